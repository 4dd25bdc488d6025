"""Requests, decisions, queues and policies as the API shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from approvals.evidence import environment_of
from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, Verdict
from approvals.operations.extending import MAX_SECONDS
from approvals.permissions import refusal
from approvals.states import DecisionKind, Settlement
from workspaces.api.people import PersonOutput


class QueueOutput(serializers.ModelSerializer[ReviewQueue]):
    """A review queue and its rules."""

    class Meta:
        model = ReviewQueue
        fields = [
            "id",
            "name",
            "title",
            "quorum",
            "time_limit_seconds",
            "on_expiry",
            "editors_may_approve",
            "is_default",
        ]
        read_only_fields = fields


class QueueName(serializers.ModelSerializer[ReviewQueue]):
    """A review queue, by name."""

    class Meta:
        model = ReviewQueue
        fields = ["id", "name", "title"]
        read_only_fields = fields


class DecisionOutput(serializers.ModelSerializer[Decision]):
    """One person's answer."""

    user = PersonOutput(read_only=True)
    answers = serializers.DictField(read_only=True, allow_null=True, help_text="What a form was filled in with.")

    class Meta:
        model = Decision
        fields = [
            "id",
            "request",
            "user",
            "kind",
            "reason",
            "settlement",
            "amount",
            "steps",
            "seconds",
            "answers",
            "revision",
            "evidence_digest",
            "at",
        ]
        read_only_fields = fields


class DeciderOutput(serializers.Serializer[Any]):
    """What one person may do about a request now, by the checks that the decision itself goes through."""

    user = PersonOutput()
    may_decide = serializers.BooleanField(help_text="May give an answer of some kind.")
    may_approve = serializers.BooleanField()
    code = serializers.CharField(
        help_text="Why not: caused, decided, lacks_right, disabled, owners_only, closed; empty where they may."
    )
    why_not = serializers.CharField(help_text="The same in a sentence.")


class RequestRow(serializers.ModelSerializer[Request]):
    """One line of the inbox."""

    queue = QueueName(read_only=True)
    environment = serializers.SerializerMethodField(help_text="That of the run: live or sandbox.")

    class Meta:
        model = Request
        fields = [
            "id",
            "kind",
            "environment",
            "status",
            "title",
            "queue",
            "action",
            "run_id",
            "agent_id",
            "quorum",
            "approvals",
            "opened_at",
            "expires_at",
            "closed_at",
            "explanation",
        ]
        read_only_fields = fields

    def get_environment(self, request: Request) -> str:
        """Return in which environment the run is."""
        return environment_of(request.evidence)


class RequestOutput(RequestRow):
    """A request with the frozen evidence. Send ``evidence_digest`` back as ``seen`` with a decision."""

    reasons = serializers.ListField(child=serializers.CharField(), read_only=True)
    evidence = serializers.DictField(read_only=True)
    decisions = DecisionOutput(many=True, read_only=True)
    refusal = serializers.SerializerMethodField(help_text="Why the caller may not decide; empty where they may.")

    class Meta(RequestRow.Meta):
        fields = [
            *RequestRow.Meta.fields,
            "on_expiry",
            "reasons",
            "evidence",
            "evidence_digest",
            "decisions",
            "refusal",
        ]
        read_only_fields = fields

    def get_refusal(self, request: Request) -> str:
        """Return the sentence that the button's tooltip shows in the console."""
        return refusal(self.context["request"].user, request)


class DecisionInput(serializers.Serializer[Any]):
    """What a person says to a request."""

    kind = serializers.ChoiceField(choices=DecisionKind.choices)
    seen = serializers.RegexField(
        r"^[0-9a-f]{64}$", help_text="The evidence_digest of the request as the person read it."
    )
    reason = serializers.CharField(required=False, default="", allow_blank=True, trim_whitespace=False)
    arguments = serializers.DictField(
        required=False, help_text="For an edit: all arguments of the new action; for a form: what it is filled in with."
    )
    settlement = serializers.ChoiceField(
        choices=Settlement.choices, required=False, help_text="For a request to settle an action in doubt."
    )
    amount = serializers.DecimalField(
        max_digits=18,
        decimal_places=6,
        required=False,
        help_text="For a budget: its new limit, in its unit (US dollars where the request names no budget).",
    )
    steps = serializers.IntegerField(
        min_value=1, max_value=10_000, required=False, help_text="For a budget: the run's new step limit."
    )
    seconds = serializers.IntegerField(
        min_value=1, max_value=MAX_SECONDS, required=False, help_text="For a budget: the run's new time limit."
    )


class DecisionResult(DecisionOutput):
    """A decision, and what has become of its request."""

    request_status = serializers.CharField(source="request.status", read_only=True)

    class Meta(DecisionOutput.Meta):
        fields = [*DecisionOutput.Meta.fields, "request_status"]
        read_only_fields = fields


class VerdictOutput(serializers.ModelSerializer[Verdict]):
    """What the gate said, and why."""

    reasons = serializers.ListField(child=serializers.CharField(), read_only=True)
    matched = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Verdict
        fields = ["id", "action", "outcome", "reasons", "matched", "policy_versions", "binding", "at"]
        read_only_fields = fields


class PolicyVersionOutput(serializers.ModelSerializer[PolicyVersion]):
    """One immutable state of a policy's rules."""

    rules = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = PolicyVersion
        fields = ["id", "number", "status", "rules", "digest", "created_at", "activated_at"]
        read_only_fields = fields


class PolicyOutput(serializers.ModelSerializer[Policy]):
    """A policy with the version in force."""

    active_version = serializers.SerializerMethodField()

    class Meta:
        model = Policy
        fields = ["id", "name", "title", "created_at", "active_version"]
        read_only_fields = fields

    @extend_schema_field(PolicyVersionOutput(allow_null=True))
    def get_active_version(self, policy: Policy) -> Any:
        """Return the version in force, None where there is none."""
        active: list[PolicyVersion] = policy.active  # type: ignore[attr-defined]  # prefetched by the views
        return PolicyVersionOutput(active[0]).data if active else None
