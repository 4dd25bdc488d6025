"""Invitations by e-mail, for owners of the workspace. The link is in the e-mail alone: no answer holds it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import inviting
from workspaces.api.idempotency import once
from workspaces.api.people import PersonOutput
from workspaces.api.views import OwnersView, RowsView
from workspaces.models import Invitation, KeyScope, Role
from workspaces.operations import invitations


class InvitationOutput(serializers.ModelSerializer[Invitation]):
    """One address that was asked to join."""

    invited_by = PersonOutput(read_only=True)

    class Meta:
        model = Invitation
        fields = [
            "id",
            "email",
            "role",
            "invited_by",
            "created_at",
            "sent_at",
            "expires_at",
            "accepted_at",
            "withdrawn_at",
        ]
        read_only_fields = fields


class InvitationInput(serializers.Serializer[Any]):
    """Who is asked to join, and as what."""

    email = serializers.CharField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, required=False, default=Role.MEMBER)


class InvitationRows(OwnersView):
    """Finds invitations, for owners of the workspace alone."""

    what = "invite people"
    scope = KeyScope.PEOPLE
    queryset = Invitation.objects.none()
    serializer_class = InvitationOutput

    def visible(self) -> QuerySet[Invitation]:
        """Return all invitations, those that are over too."""
        return Invitation.objects.select_related("workspace", "invited_by")

    def address(self, text: str) -> str:
        """Return the whole address of a link."""
        return self.request.build_absolute_uri(reverse("people:join", args=[text]))


@extend_schema(tags=["people"])
class InvitationsView(InvitationRows, RowsView):
    """The workspace's invitations."""

    @extend_schema(request=InvitationInput, responses={201: InvitationOutput})
    def post(self, request: Request) -> Response:
        """Invite somebody by e-mail.

        It takes no idempotency key: an address that is invited already is refused (409), so nobody is written to twice.
        """
        sent = InvitationInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = inviting.invite(workspace=self.workspace, by=self.caller, address=self.address, **sent.validated_data)
        return self.shown(made, 201)


@extend_schema(tags=["people"])
class RepeatView(InvitationRows):
    """Another e-mail."""

    @extend_schema(request=None, responses=InvitationOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Send a new link and begin its time anew; earlier links end. Each call writes once more."""
        found = self.find(self.visible(), row_id)
        return self.shown(inviting.repeat(invitation=found, by=self.caller, address=self.address))


@extend_schema(tags=["people"])
class WithdrawView(InvitationRows):
    """The end of an invitation."""

    @extend_schema(request=None, responses=InvitationOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Make an invitation's links useless."""
        found = self.find(self.visible(), row_id)
        return once(request, self.workspace, lambda: self._withdraw(found))

    def _withdraw(self, found: Invitation) -> Response:
        invitations.withdraw(invitation=found, by=self.caller)
        return self.shown(found)
