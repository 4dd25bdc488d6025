"""Actions, attempts, and conversations as the API shows them."""

from rest_framework import serializers

from agents.api.serializers import PauseOutput
from approvals.api.serializers import VerdictOutput
from memory.models import Message, Session
from tools.models import Action, ActionAttempt, Tool


class ToolName(serializers.ModelSerializer[Tool]):
    """A tool, by name."""

    class Meta:
        model = Tool
        fields = ["id", "name", "title"]
        read_only_fields = fields


class AttemptOutput(serializers.ModelSerializer[ActionAttempt]):
    """One try, or one look."""

    evidence = serializers.DictField(read_only=True)

    class Meta:
        model = ActionAttempt
        fields = ["id", "kind", "number", "outcome", "explanation", "evidence", "started_at", "finished_at"]
        read_only_fields = fields


class ActionRow(serializers.ModelSerializer[Action]):
    """One action in a list."""

    tool = ToolName(read_only=True)
    arguments = serializers.DictField(read_only=True)

    class Meta:
        model = Action
        fields = [
            "id",
            "run_id",
            "step_id",
            "agent_id",
            "tool",
            "environment",
            "effect",
            "is_simulated",
            "status",
            "arguments",
            "arguments_digest",
            "revises",
            "compensates",
            "explanation",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


class ActionOutput(ActionRow):
    """An action with where its arguments come from, what it met and left, and everything that was tried and said."""

    provenance = serializers.ListField(child=serializers.DictField(), read_only=True)
    before_image = serializers.DictField(read_only=True, allow_null=True)
    predicted = serializers.DictField(read_only=True, allow_null=True)
    result = serializers.DictField(read_only=True, allow_null=True)
    after_image = serializers.DictField(read_only=True, allow_null=True)
    undo_plan = serializers.DictField(read_only=True, allow_null=True)
    attempts = AttemptOutput(many=True, read_only=True)
    verdicts = VerdictOutput(many=True, read_only=True)

    class Meta(ActionRow.Meta):
        fields = [
            *ActionRow.Meta.fields,
            "schema_digest",
            "provenance",
            "untrusted_influence",
            "causes",
            "idempotency_key",
            "before_image",
            "before_digest",
            "predicted",
            "result",
            "after_image",
            "undo_plan",
            "cleared_by",
            "cleared_until",
            "execute_after",
            "attempt",
            "attempts",
            "verdicts",
        ]
        read_only_fields = fields


MOST_IN_FLIGHT = 50


class PauseResult(PauseOutput):
    """A pause, and what was in flight in its scope: it may still end, or have happened."""

    in_flight = ActionRow(many=True, read_only=True, help_text=f"The newest {MOST_IN_FLIGHT} of them.")
    in_flight_count = serializers.IntegerField(read_only=True)

    class Meta(PauseOutput.Meta):
        fields = [*PauseOutput.Meta.fields, "in_flight", "in_flight_count"]
        read_only_fields = fields


class SessionOutput(serializers.ModelSerializer[Session]):
    """One conversation."""

    class Meta:
        model = Session
        fields = ["id", "agent_id", "subject_kind", "subject_ref", "environment", "created_at"]
        read_only_fields = fields


class MessageOutput(serializers.ModelSerializer[Message]):
    """One utterance, and how far it is to be trusted."""

    class Meta:
        model = Message
        fields = ["id", "run_id", "role", "source", "trust", "text", "at"]
        read_only_fields = fields
