"""Agents, runs and steps as the API shows them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from agents.models import Agent, AgentVersion, Run, Step
from agents.reasons import ReasonKind
from agents.states import Priority
from tools.models import Budget, Environment
from workspaces.api.people import PersonOutput
from workspaces.models import Pause, ScopeKind


class AgentName(serializers.ModelSerializer[Agent]):
    """An agent, by name."""

    class Meta:
        model = Agent
        fields = ["id", "name", "title"]
        read_only_fields = fields


class AgentVersionOutput(serializers.ModelSerializer[AgentVersion]):
    """An agent as it was on one day."""

    route = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    is_demo = serializers.BooleanField(
        source="route.is_demo", read_only=True, help_text="Whether the built-in planner answers, which is not a model."
    )
    tools = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    collections = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    workflow = serializers.DictField(read_only=True, allow_null=True, help_text="Null: it asks the model.")

    class Meta:
        model = AgentVersion
        fields = [
            "id",
            "number",
            "goal",
            "route",
            "is_demo",
            "tools",
            "collections",
            "step_limit",
            "budget_usd",
            "calls_per_turn",
            "time_limit_seconds",
            "repeat_limit",
            "answer_limit",
            "idle_limit",
            "workflow",
            "created_at",
        ]
        read_only_fields = fields


class AgentOutput(AgentName):
    """An agent with its current version."""

    current_version = AgentVersionOutput(read_only=True, allow_null=True)

    class Meta(AgentName.Meta):
        fields = [*AgentName.Meta.fields, "is_enabled", "created_at", "current_version"]
        read_only_fields = fields


class RunRow(serializers.ModelSerializer[Run]):
    """One run in a list."""

    agent = AgentName(read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    started_by = PersonOutput(read_only=True)

    class Meta:
        model = Run
        fields = [
            "id",
            "kind",
            "mode",
            "environment",
            "priority",
            "status",
            "title",
            "agent",
            "version",
            "session",
            "overlay",
            "parent",
            "rolls_back",
            "started_by",
            "steps_used",
            "step_limit",
            "time_limit_seconds",
            "explanation",
            "cancel_requested_at",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class BudgetOutput(serializers.ModelSerializer[Budget]):
    """A cap on what one run may use, and how much of it is used or held."""

    class Meta:
        model = Budget
        fields = ["unit", "limit", "spent", "reserved"]
        read_only_fields = fields


class UsageTotals(serializers.Serializer[Any]):
    """What the run's model calls used; calls of unknown price are counted apart, never as free."""

    calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    known_cost = serializers.DecimalField(
        max_digits=18, decimal_places=6, help_text="What the calls of known price cost together."
    )
    currency = serializers.CharField()
    unpriced_calls = serializers.IntegerField()


class PauseOutput(serializers.ModelSerializer[Pause]):
    """A scope in which nothing new starts."""

    created_by = PersonOutput(read_only=True)
    released_by = PersonOutput(read_only=True, allow_null=True)

    class Meta:
        model = Pause
        fields = [
            "id",
            "scope_kind",
            "scope_id",
            "reason",
            "allows_repair",
            "created_by",
            "created_at",
            "released_by",
            "released_at",
        ]
        read_only_fields = fields


class ReasonOutput(serializers.Serializer[Any]):
    """One reason why a run is where it is."""

    kind = serializers.ChoiceField(choices=ReasonKind.choices)
    sentence = serializers.CharField()
    hint = serializers.CharField(help_text="What to do about it; empty: nothing.")
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="When it is looked at again, or expires.")


class WaitingOutput(serializers.Serializer[Any]):
    """Why a run stands still, and the open requests that the caller may see."""

    sentence = serializers.CharField(help_text="Empty while the run moves or is over.")
    requests = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True, pk_field=serializers.UUIDField())
    reasons = ReasonOutput(many=True, help_text="Every reason by name; a live run has at least one.")


MOST_ROLLBACKS = 20


class RunOutput(RunRow):
    """A run with what it was given, what came of it, and what holds it."""

    input = serializers.DictField(read_only=True)
    outcome = serializers.DictField(read_only=True, allow_null=True)
    plan = serializers.ListField(
        child=serializers.DictField(), read_only=True, allow_null=True, help_text="A rollback's preview."
    )
    budgets = BudgetOutput(many=True, read_only=True)
    usage = UsageTotals(read_only=True)
    pauses = PauseOutput(many=True, read_only=True)
    waiting = WaitingOutput(read_only=True)
    rollbacks = serializers.SerializerMethodField(help_text=f"The newest {MOST_ROLLBACKS}; their list has all.")
    rollback_count = serializers.SerializerMethodField()

    def get_rollbacks(self, run: Run) -> list[UUID]:
        """Return the newest rollbacks of the run, oldest first."""
        newest = run.rollbacks.order_by("-id").values_list("id", flat=True)[:MOST_ROLLBACKS]
        return list(newest)[::-1]

    def get_rollback_count(self, run: Run) -> int:
        """Return how many there are in all."""
        return run.rollbacks.count()

    class Meta(RunRow.Meta):
        fields = [
            *RunRow.Meta.fields,
            "input",
            "outcome",
            "plan",
            "plan_digest",
            "budgets",
            "usage",
            "pauses",
            "waiting",
            "rollbacks",
            "rollback_count",
        ]
        read_only_fields = fields


class RunInput(serializers.Serializer[Any]):
    """A task for an agent."""

    agent = serializers.CharField(max_length=100, help_text="The agent's name or id.")
    text = serializers.CharField(
        allow_blank=True, trim_whitespace=False, help_text="The task in free text, at most 100 kB."
    )
    data = serializers.DictField(  # type: ignore[assignment]  # a serializer's own data is no class attribute
        required=False, help_text="What a workflow is given, by its `input` schema; at most 256 kB."
    )
    environment = serializers.ChoiceField(
        choices=Environment.choices,
        default=Environment.LIVE,
        help_text="Where the run is begun, for good: in the sandbox it reaches sandbox connections only.",
    )
    priority = serializers.ChoiceField(
        choices=Priority.choices,
        default=Priority.INTERACTIVE,
        help_text="Interactive runs go first where work has to wait; batch runs keep a share.",
    )


class RollbackInput(serializers.Serializer[Any]):
    """What to look at."""

    action = serializers.UUIDField(required=False, help_text="One action of the run; left out: everything it did.")


class ConfirmationInput(serializers.Serializer[Any]):
    """The preview that was read."""

    plan_digest = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="The plan_digest of the preview.")


class StepOutput(serializers.ModelSerializer[Step]):
    """One recorded unit of a run."""

    input = serializers.DictField(read_only=True)
    output = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = Step
        fields = [
            "id",
            "run",
            "number",
            "turn",
            "kind",
            "node",
            "thread",
            "status",
            "action",
            "input",
            "output",
            "explanation",
            "attempt",
            "failures",
            "wake_at",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class PauseInput(serializers.Serializer[Any]):
    """What to pause, and why."""

    scope_kind = serializers.ChoiceField(choices=ScopeKind.choices)
    scope_id = serializers.UUIDField()
    reason = serializers.CharField(max_length=500)
    allows_repair = serializers.BooleanField(default=False, help_text="Whether rollback runs may go on.")
