"""Teams, who is in them, and the rights on single objects that are granted to them; for owners of the workspace."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.api.idempotency import once
from workspaces.api.paging import ByRow
from workspaces.api.people import PersonOutput
from workspaces.api.views import OwnersView, RowsView
from workspaces.errors import NotFound
from workspaces.grants import grants_of, objects_of
from workspaces.models import KeyScope, Membership, Team, User
from workspaces.operations import teams


class TeamOutput(serializers.ModelSerializer[Team]):
    """A team."""

    class Meta:
        model = Team
        fields = ["id", "name"]
        read_only_fields = fields


class TeamInput(serializers.Serializer[Any]):
    """A new team, without people and rights."""

    name = serializers.CharField(max_length=80)


class TeamMemberInput(serializers.Serializer[Any]):
    """Who is put into a team: a person or a service account of the workspace."""

    user = serializers.UUIDField()


class GrantOutput(serializers.Serializer[Any]):
    """A team's right on one object."""

    object = serializers.UUIDField(source="content_object_id")
    name = serializers.CharField(source="content_object")
    right = serializers.CharField(source="permission.codename")


class GrantInput(serializers.Serializer[Any]):
    """A right on one object of the workspace."""

    object = serializers.UUIDField()
    right = serializers.CharField(max_length=100, help_text="Such as view_agent, decide_reviewqueue.")


class TeamRows(OwnersView):
    """Finds teams, for owners of the workspace alone."""

    what = "see and change its teams"
    scope = KeyScope.PEOPLE
    queryset: QuerySet[Any] = Team.objects.none()
    serializer_class: Any = TeamOutput

    def team(self) -> Team:
        """Return the team of the address."""
        return self.find(Team.objects.all(), self.kwargs["row_id"])


@extend_schema(tags=["people"])
class TeamsView(TeamRows, RowsView):
    """The workspace's teams."""

    @extend_schema(request=TeamInput, responses={201: TeamOutput})
    def post(self, request: Request) -> Response:
        """Make a team."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = TeamInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = teams.create_team(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return self.shown(made, 201)


@extend_schema(tags=["people"])
class TeamMembersView(TeamRows, RowsView):
    """Who is in one team."""

    queryset = User.objects.none()
    serializer_class = PersonOutput

    def get_queryset(self) -> QuerySet[Any]:
        """Return the accounts in the team."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return User.objects.filter(groups=self.team().group_id)

    @extend_schema(request=TeamMemberInput, responses={201: PersonOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Put somebody into the team."""
        team = self.team()
        return once(request, self.workspace, lambda: self._add(request, team))

    def _add(self, request: Request, team: Team) -> Response:
        sent = TeamMemberInput(data=request.data)
        sent.is_valid(raise_exception=True)
        user = account_of(self, sent.validated_data["user"])
        teams.add_to_team(team=team, user=user, by=self.caller)
        return self.shown(user, 201)


@extend_schema(tags=["people"])
class TeamMemberView(TeamRows):
    """One person's place in a team."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, row_id: UUID, user_id: UUID) -> Response:
        """Take somebody out of the team; they lose its rights at once."""
        teams.remove_from_team(team=self.team(), user=account_of(self, user_id), by=self.caller)
        return Response(status=204)


@extend_schema(tags=["people"])
class GrantsView(TeamRows, RowsView):
    """A team's rights on objects of one kind: ``agent``, ``reviewqueue``, ``collection`` or ``connection``."""

    serializer_class = GrantOutput
    pagination_class = ByRow

    def get_queryset(self) -> QuerySet[Any]:
        """Return the grants."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return grants_of(self.team(), self.kwargs["kind"])

    @extend_schema(request=GrantInput, responses={201: GrantOutput})
    def post(self, request: Request, row_id: UUID, kind: str) -> Response:
        """Give the team a right on one object."""
        team = self.team()
        return once(request, self.workspace, lambda: self._grant(request, team, kind))

    def _grant(self, request: Request, team: Team, kind: str) -> Response:
        rows = objects_of(team, kind)
        sent = GrantInput(data=request.data)
        sent.is_valid(raise_exception=True)
        target, right = self.find(rows, sent.validated_data["object"]), sent.validated_data["right"]
        teams.grant(team=team, codename=right, target=target, by=self.caller)
        made = grants_of(team, kind).get(content_object=target, permission__codename=right)
        return Response(GrantOutput(made).data, status=201)


@extend_schema(tags=["people"])
class GrantView(TeamRows):
    """One right of a team on one object."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, row_id: UUID, kind: str, object_id: UUID, right: str) -> Response:
        """Take the right from the team, at once."""
        team = self.team()
        target = self.find(objects_of(team, kind), object_id)
        teams.revoke(team=team, codename=right, target=target, by=self.caller)
        return Response(status=204)


def account_of(view: TeamRows, user_id: UUID) -> User:
    """Return a person or service account of the workspace."""
    place = Membership.objects.filter(workspace=view.workspace, user_id=user_id).select_related("user").first()
    if place is None:
        raise NotFound("There is no such person here.", "Check the id and the workspace.")
    return place.user
