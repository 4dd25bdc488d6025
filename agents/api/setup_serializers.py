"""What owners send to set up agents, versions and model routes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.models import EndpointState, ModelRoute, Standing
from agents.routes import standings
from approvals.operations.extending import MAX_SECONDS
from memory.models import Collection
from tools.models import Tool
from workspaces.models import Workspace


def named_rows(model: type[Any], workspace: Workspace, names: list[str], what: str) -> list[Any]:
    """Return the workspace's rows of these names, each once; raise a validation error for a name that nothing has."""
    found = list(model.objects.filter(workspace=workspace, name__in=names).order_by("name"))
    missing = sorted(set(names) - {one.name for one in found})
    if missing:
        raise serializers.ValidationError(f"There is no {what} named {', '.join(map(repr, missing))} here.")
    return found


class AgentInput(serializers.Serializer[Any]):
    """A new agent."""

    name = serializers.SlugField(max_length=60, help_text="The name by which runs ask for it; it stays.")
    title = serializers.CharField(max_length=120, help_text="What people read.")


class AgentChange(serializers.Serializer[Any]):
    """Whether it takes new tasks."""

    is_enabled = serializers.BooleanField()


class StandingOutput(serializers.Serializer[Any]):
    """How one endpoint does: whether it is called, or left alone and until when."""

    state = serializers.ChoiceField(choices=Standing.choices)
    failures = serializers.IntegerField(help_text="Since it last answered.")
    quiet_until = serializers.DateTimeField(allow_null=True)
    explanation = serializers.CharField(help_text="What it said when it last failed.")


class RouteOutput(serializers.ModelSerializer[ModelRoute]):
    """A model route; API keys stand in the connections that its endpoints name."""

    endpoints = serializers.ListField(child=serializers.DictField(), read_only=True)
    standings = serializers.SerializerMethodField(help_text="How each endpoint does, in the order of the endpoints.")

    @extend_schema_field(StandingOutput(many=True))
    def get_standings(self, route: ModelRoute) -> Any:
        """Return what is known of each endpoint: one statement for all routes of a page."""
        kept: Any = self.context
        if "known" not in kept:
            kept["known"] = list(EndpointState.objects.filter(workspace_id=route.workspace_id).standing())
        shown = [
            {
                "state": getattr(state, "standing", Standing.CLOSED),
                "failures": state.failures if state else 0,
                "quiet_until": state.quiet_until if state else None,
                "explanation": state.explanation if state else "",
            }
            for state in standings(route, kept["known"])
        ]
        return StandingOutput(shown, many=True).data

    class Meta:
        model = ModelRoute
        fields = ["id", "name", "endpoints", "standings", "max_output_tokens", "is_demo", "created_at", "updated_at"]
        read_only_fields = fields


class RouteInput(serializers.Serializer[Any]):
    """A new model route."""

    name = serializers.SlugField(max_length=60)
    endpoints = serializers.ListField(
        child=serializers.DictField(),
        max_length=20,
        help_text="In the order in which they are asked: provider, model, base_url, connection (by name, it holds the "
        "API key), deadline_seconds, requests_per_minute, tokens_per_minute, at_once.",
    )
    max_output_tokens = serializers.IntegerField(min_value=1, max_value=1_000_000, default=2048)


class RouteChange(serializers.Serializer[Any]):
    """What may change of a model route; what is left out stays."""

    endpoints = serializers.ListField(child=serializers.DictField(), max_length=20, required=False)
    max_output_tokens = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change: endpoints or max_output_tokens.")
        return attrs


class CircleField(serializers.IntegerField):
    """How often something may happen before the model is told that it goes round in circles, then people."""

    def __init__(self, **more: Any) -> None:
        super().__init__(min_value=2, max_value=1000, allow_null=True, **more)


class VersionInput(serializers.Serializer[Any]):
    """A new version of an agent. All named are of the context's ``workspace``."""

    goal = serializers.CharField(max_length=20_000, help_text="What the agent is told that it is for.")
    route = serializers.CharField(max_length=60, help_text="The name of a model route.")
    tools = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=200, help_text="The names of tools that it may propose."
    )
    collections = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=100,
        default=list,
        help_text="The names of collections that its runs may search, as far as whoever starts a run may read them.",
    )
    step_limit = serializers.IntegerField(min_value=1, max_value=10_000, default=30)
    budget_usd = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, allow_null=True, default=None, help_text="Per run; null: none."
    )
    calls_per_turn = serializers.IntegerField(min_value=1, max_value=100, default=16)
    time_limit_seconds = serializers.IntegerField(
        min_value=1,
        max_value=MAX_SECONDS,
        allow_null=True,
        default=None,
        help_text="Per run, from its start, without what it waits for people; null: none.",
    )
    repeat_limit = CircleField(default=3, help_text="How often a call may get the same result; null: any number.")
    answer_limit = CircleField(default=6, help_text="How often the model may say the same in a row; null: any number.")
    idle_limit = CircleField(default=8, help_text="How many turns may bring nothing new; null: any number.")
    subject = serializers.DictField(
        default=dict, help_text='Whose conversation it is: {"kind": "customer", "tool": a reading tool, "field": "id"}.'
    )
    workflow = serializers.DictField(
        allow_null=True,
        default=None,
        help_text="What its runs do, node by node; null: ask the model, which calls tools.",
    )

    def validate_route(self, name: str) -> ModelRoute:
        """Return the route of this name."""
        found = ModelRoute.objects.filter(workspace=self.context["workspace"], name=name).first()
        if found is None:
            raise serializers.ValidationError(f"There is no model route named {name!r} in this workspace.")
        return found

    def validate_tools(self, names: list[str]) -> list[Tool]:
        """Return the tools of these names, each once."""
        return named_rows(Tool, self.context["workspace"], names, "tool")

    def validate_collections(self, names: list[str]) -> list[Collection]:
        """Return the collections of these names, each once."""
        return named_rows(Collection, self.context["workspace"], names, "collection")
