"""What agents remember of their subjects, and what a model call was told, as far as the caller may see the agents."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.memories import context_seen, facts_used
from agents.models import Agent, Run, Step
from agents.operations.facts import correct_fact, forget
from agents.states import StepKind
from memory.models import Fact
from workspaces.api.views import RowsView, RowView
from workspaces.models import KeyScope


class FactOutput(serializers.ModelSerializer[Fact]):
    """A claim about a subject. Its value is content with a trust label, and no instruction to anybody."""

    value = serializers.JSONField(read_only=True)

    class Meta:
        model = Fact
        fields = [
            "id",
            "agent_id",
            "subject_kind",
            "subject_ref",
            "environment",
            "key",
            "value",
            "source",
            "trust",
            "confidence",
            "status",
            "valid_from",
            "valid_until",
            "recorded_at",
            "run_id",
            "action_id",
        ]
        read_only_fields = fields


@extend_schema_field({"type": ["string", "number", "boolean"]})
class ValueField(serializers.JSONField):
    """What can be remembered, or null."""


class FactChange(serializers.Serializer[Any]):
    """What is true instead."""

    value = ValueField(allow_null=True, help_text="A text, a number, true or false; null: true no more.")


class ForgottenOutput(serializers.Serializer[Any]):
    """The receipt. Keep the salt: it is kept nowhere here, and shows what the proof in the ledger is of."""

    fact_id = serializers.UUIDField()
    proof = serializers.CharField(help_text="HMAC-SHA-256 of {key, subject, value} as canonical JSON, in the ledger.")
    salt = serializers.CharField(help_text="Hexadecimal.")
    copies = serializers.IntegerField(help_text="Rows from which it was taken out.")


class PartOutput(serializers.Serializer[Any]):
    """One part of what a model was told; the text is that of its row, empty where it was forgotten."""

    kind = serializers.CharField()
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of ours
    trust = serializers.CharField()
    tokens = serializers.IntegerField(help_text="A quarter of the characters.")
    cut = serializers.BooleanField(help_text="Whether it was shortened to fit the budget of its source.")
    text = serializers.CharField(allow_null=True)


class ContextOutput(serializers.Serializer[Any]):
    """What one model call was told."""

    budgets = serializers.DictField(child=serializers.IntegerField(), help_text="Tokens that each source may take.")
    parts = PartOutput(many=True)


class FactFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which facts."""

    agent = filters.UUIDFilter(field_name="agent_id")
    subject_kind = filters.CharFilter()
    subject_ref = filters.CharFilter()
    key = filters.CharFilter()
    status = filters.CharFilter()

    class Meta:
        model = Fact
        fields: list[str] = []


@extend_schema(tags=["facts"])
class FactsView(RowsView):
    """What the agents that the caller may see remember, newest first, closed facts too."""

    queryset = Fact.objects.none()
    serializer_class = FactOutput
    filterset_class = FactFilter

    def visible(self) -> QuerySet[Fact]:
        """Return the facts of visible agents."""
        return Fact.objects.filter(agent_id__in=Agent.objects.visible_to(self.caller).values("id"))


@extend_schema(tags=["facts"])
class FactView(RowView):
    """One fact."""

    scope = KeyScope.MEMORY
    queryset = Fact.objects.none()
    serializer_class = FactOutput

    def visible(self) -> QuerySet[Fact]:
        """Return the facts of visible agents."""
        return Fact.objects.filter(agent_id__in=Agent.objects.visible_to(self.caller).values("id"))

    @extend_schema(request=FactChange, responses=FactOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Say what is true instead: the old claim is closed, and the answer is the new one. Null ends the claim."""
        fact = self.find(self.visible(), row_id)
        sent = FactChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.shown(correct_fact(fact_id=fact.id, value=sent.validated_data["value"], by=self.caller))

    @extend_schema(responses=ForgottenOutput)
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Forget a fact, wherever it was written down here; the answer is the receipt, given once."""
        fact = self.find(self.visible(), row_id)
        return Response(ForgottenOutput(forget(fact_id=fact.id, by=self.caller)).data)


@extend_schema(tags=["facts"])
class UsedFactsView(RowsView):
    """The facts that a run's model calls were told; forgotten ones are not there any more."""

    queryset = Fact.objects.none()
    serializer_class = FactOutput

    def visible(self) -> QuerySet[Fact]:
        """Return the facts that the run was told."""
        run = self.find(Run.objects.visible_to(self.caller), self.kwargs["row_id"])
        return Fact.objects.filter(workspace_id=run.workspace_id, pk__in=facts_used(run))


@extend_schema(tags=["runs"])
class ContextView(RowView):
    """What one model call was told."""

    queryset = Step.objects.none()
    serializer_class = ContextOutput

    def visible(self) -> QuerySet[Step]:
        """Return the model steps of visible runs."""
        runs = Run.objects.visible_to(self.caller).values("id")
        return Step.objects.filter(run_id__in=runs, kind=StepKind.MODEL).select_related("run__version", "run__session")

    @extend_schema(responses=ContextOutput)
    def get(self, request: Request, row_id: UUID) -> Response:
        """Answer with the parts of the call's context, each with its label, trust and tokens."""
        return Response(ContextOutput(context_seen(self.find(self.visible(), row_id))).data)
