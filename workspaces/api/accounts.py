"""Service accounts and their keys, for owners of the workspace. A key's text is answered once, when it is made."""

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
from workspaces.models import ApiKey, KeyScope, User
from workspaces.operations import keys


class AccountOutput(serializers.ModelSerializer[User]):
    """A service account, and the person who answers for it."""

    owner = PersonOutput(read_only=True)

    class Meta:
        model = User
        fields = ["id", "name", "is_active", "owner", "created_at"]
        read_only_fields = fields


class AccountInput(serializers.Serializer[Any]):
    """A new service account; the caller answers for it."""

    name = serializers.CharField(max_length=80)


class KeyOutput(serializers.ModelSerializer[ApiKey]):
    """A key, by all but its secret."""

    scopes = serializers.ListField(child=serializers.ChoiceField(KeyScope.choices), read_only=True)
    created_by = PersonOutput(read_only=True)

    class Meta:
        model = ApiKey
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "created_by",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ]
        read_only_fields = fields


class NewKeyOutput(KeyOutput):
    """A new key with its text, which is shown only now."""

    key = serializers.CharField(read_only=True)

    class Meta(KeyOutput.Meta):
        fields = [*KeyOutput.Meta.fields, "key"]
        read_only_fields = fields


class KeyInput(serializers.Serializer[Any]):
    """A new key: what it may be used for, and until when. Left out: for everything that its account may, by default."""

    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(KeyScope.choices),
        required=False,
        allow_null=True,
        allow_empty=False,
        default=None,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class AccountsView(OwnersView):
    """Finds service accounts, for owners of the workspace alone."""

    what = "manage its service accounts"
    scope = KeyScope.PEOPLE

    def accounts(self) -> QuerySet[User]:
        """Return the workspace's service accounts."""
        here = User.objects.filter(is_service=True, memberships__workspace_id=self.workspace.id)
        return here.select_related("owner")

    def account(self, account_id: UUID) -> User:
        """Return one of them."""
        found = self.accounts().filter(pk=account_id).first()
        if found is None:
            raise NotFound("There is no such service account here.", "Check the id and the workspace.")
        return found


@extend_schema(tags=["service accounts"])
class ServiceAccountsView(AccountsView, RowsView):
    """The programs that may call the API."""

    queryset = User.objects.none()
    serializer_class = AccountOutput

    def get_queryset(self) -> QuerySet[Any]:
        """Return the workspace's service accounts."""
        return super().get_queryset() if getattr(self, "swagger_fake_view", False) else self.accounts()

    @extend_schema(request=AccountInput, responses={201: AccountOutput})
    def post(self, request: Request) -> Response:
        """Create a service account without rights; put it into a team to give it some."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = AccountInput(data=request.data)
        sent.is_valid(raise_exception=True)
        name = sent.validated_data["name"]
        made = keys.create_service_account(workspace=self.workspace, name=name, owner=self.caller, by=self.caller)
        return self.shown(made, 201)


@extend_schema(tags=["service accounts"])
class KeysView(AccountsView, RowsView):
    """The keys of one service account."""

    queryset = ApiKey.objects.none()
    serializer_class = KeyOutput

    def visible(self) -> QuerySet[ApiKey]:
        """Return the account's keys."""
        return ApiKey.objects.filter(user=self.account(self.kwargs["row_id"])).select_related("created_by")

    @extend_schema(request=KeyInput, responses={201: NewKeyOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Make a key and show its text this once.

        It takes no idempotency key, since its answer is not to be stored: made twice, revoke the one not needed.
        """
        account = self.account(row_id)
        sent = KeyInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = keys.issue_key(workspace=self.workspace, account=account, by=self.caller, **sent.validated_data)
        return Response(
            {**KeyOutput(made.key).data, "key": made.text}, status=201, headers={"Cache-Control": "no-store"}
        )


@extend_schema(tags=["service accounts"])
class RevokeView(AccountsView):
    """The end of a key."""

    queryset = ApiKey.objects.none()
    serializer_class = KeyOutput

    @extend_schema(request=None, responses=KeyOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Make a key useless from the next request on."""
        key = self.find(ApiKey.objects.select_related("user", "workspace", "created_by"), row_id)
        return once(request, self.workspace, lambda: self._revoke(key))

    def _revoke(self, key: ApiKey) -> Response:
        keys.revoke_key(key=key, by=self.caller)
        return self.shown(key)
