"""Conversations, as far as the caller may see the agents that hold them."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema

from agents.api.action_serializers import MessageOutput, SessionOutput
from agents.models import Agent
from memory.models import Message, Session
from workspaces.api.paging import OldestFirst
from workspaces.api.views import RowsView, RowView


class SessionFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which conversations."""

    agent = filters.UUIDFilter(field_name="agent_id")
    subject_kind = filters.CharFilter()
    subject_ref = filters.CharFilter()

    class Meta:
        model = Session
        fields: list[str] = []


@extend_schema(tags=["sessions"])
class SessionsView(RowsView):
    """The conversations of the agents that the caller may see."""

    queryset = Session.objects.none()
    serializer_class = SessionOutput
    filterset_class = SessionFilter

    def visible(self) -> QuerySet[Session]:
        """Return the conversations of visible agents."""
        return Session.objects.filter(agent_id__in=Agent.objects.visible_to(self.caller).values("id"))


@extend_schema(tags=["sessions"])
class SessionView(RowView):
    """One conversation."""

    queryset = Session.objects.none()
    serializer_class = SessionOutput

    def visible(self) -> QuerySet[Session]:
        """Return the conversations of visible agents."""
        return Session.objects.filter(agent_id__in=Agent.objects.visible_to(self.caller).values("id"))


@extend_schema(tags=["sessions"])
class MessagesView(RowsView):
    """What was said in one conversation, from its beginning."""

    queryset = Message.objects.none()
    serializer_class = MessageOutput
    pagination_class = OldestFirst

    def visible(self) -> QuerySet[Message]:
        """Return the conversation's messages."""
        mine = Session.objects.filter(agent_id__in=Agent.objects.visible_to(self.caller).values("id"))
        return Message.objects.filter(session=self.find(mine, self.kwargs["row_id"]))
