"""The people of a workspace, for its owners: their roles, and who is let in."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.api.idempotency import once
from workspaces.api.people import PersonOutput
from workspaces.api.views import OwnersView, RowsView
from workspaces.errors import NotFound
from workspaces.models import KeyScope, Membership, Role
from workspaces.operations import people


class TeamName(serializers.Serializer[Any]):
    """A team, by name."""

    id = serializers.UUIDField(source="team.id")
    name = serializers.CharField(source="team.name")


class MemberOutput(serializers.ModelSerializer[Membership]):
    """One person of the workspace."""

    user = PersonOutput(read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    is_active = serializers.BooleanField(source="user.is_active", read_only=True, help_text="False where disabled.")
    teams = TeamName(source="user.here", many=True, read_only=True)

    class Meta:
        model = Membership
        fields = ["user", "email", "role", "is_active", "teams", "created_at"]
        read_only_fields = fields


class RoleInput(serializers.Serializer[Any]):
    """Another role for a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class MembersView(OwnersView):
    """Finds people, for owners of the workspace alone."""

    what = "see and change its people"
    scope = KeyScope.PEOPLE
    queryset = Membership.objects.none()
    serializer_class = MemberOutput

    def visible(self) -> QuerySet[Membership]:
        """Return the workspace's people, disabled ones too."""
        return Membership.objects.people_in(self.workspace)

    def member(self, user_id: UUID) -> Membership:
        """Return one of them by the person's id."""
        found = self.visible().filter(user_id=user_id).first()
        if found is None:
            raise NotFound("There is no such person here.", "Check the id and the workspace.")
        return found


@extend_schema(tags=["people"])
class MemberListView(MembersView, RowsView):
    """Everybody who belongs to the workspace, but for service accounts."""


@extend_schema(tags=["people"])
class MemberView(MembersView):
    """One person of the workspace."""

    def get(self, request: Request, row_id: UUID) -> Response:
        return self.shown(self.member(row_id))

    @extend_schema(request=RoleInput, responses=MemberOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Give a person another role; the last owner keeps theirs."""
        member = self.member(row_id)
        sent = RoleInput(data=request.data)
        sent.is_valid(raise_exception=True)
        people.change_role(workspace=self.workspace, user=member.user, by=self.caller, **sent.validated_data)
        return self.shown(self.member(row_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Take a person out of the workspace and of its teams; what they did stays."""
        people.remove_member(workspace=self.workspace, user=self.member(row_id).user, by=self.caller)
        return Response(status=204)


@extend_schema(tags=["people"])
class DisableView(MembersView):
    """The end of somebody's way in."""

    @extend_schema(request=None, responses=MemberOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Keep a person out: sessions end for good, keys they answer for open nothing, approvals no longer count."""
        member = self.member(row_id)
        return once(request, self.workspace, lambda: self._disable(member))

    def _disable(self, member: Membership) -> Response:
        people.disable_user(user=member.user, by=self.caller)
        return self.shown(member)


@extend_schema(tags=["people"])
class EnableView(MembersView):
    """The way back in."""

    @extend_schema(request=None, responses=MemberOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Let a disabled person in again, with the teams and the role they had."""
        member = self.member(row_id)
        return once(request, self.workspace, lambda: self._enable(member))

    def _enable(self, member: Membership) -> Response:
        people.enable_user(user=member.user, by=self.caller)
        return self.shown(member)
