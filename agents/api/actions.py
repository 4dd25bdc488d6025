"""Actions, as far as the caller may see the agents that proposed them."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema

from agents.api.action_serializers import ActionOutput, ActionRow
from agents.models import Agent
from tools.models import Action
from tools.states import ActionStatus, Effect
from workspaces.api.views import RowsView, RowView


class ActionFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which actions."""

    run = filters.UUIDFilter(field_name="run_id")
    status = filters.MultipleChoiceFilter(choices=ActionStatus.choices)
    effect = filters.MultipleChoiceFilter(choices=Effect.choices)
    tool = filters.CharFilter(field_name="tool__name")

    class Meta:
        model = Action
        fields: list[str] = []


@extend_schema(tags=["actions"])
class ActionsView(RowsView):
    """The actions of the runs that the caller may see."""

    queryset = Action.objects.none()
    serializer_class = ActionRow
    filterset_class = ActionFilter

    def visible(self) -> QuerySet[Action]:
        """Return the actions of visible agents."""
        agents = Agent.objects.visible_to(self.caller).values("id")
        return Action.objects.filter(agent_id__in=agents).select_related("tool")


@extend_schema(tags=["actions"])
class ActionView(RowView):
    """One action with its attempts and verdicts."""

    queryset = Action.objects.none()
    serializer_class = ActionOutput

    def visible(self) -> QuerySet[Action]:
        """Return the actions of visible agents."""
        agents = Agent.objects.visible_to(self.caller).values("id")
        found = Action.objects.filter(agent_id__in=agents).select_related("tool")
        return found.prefetch_related("attempts", "verdicts")
