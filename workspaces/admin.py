"""Workspaces, the people in them, their teams and the keys of their service accounts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from workspaces.admin_forms import OperationForm, choices_for, owned, person
from workspaces.administration import OwnWorkspace, Records, Setup, site
from workspaces.models import ApiKey, IdempotencyRecord, KeyScope, Membership, Team, User, Workspace
from workspaces.operations import keys, people, teams


@admin.register(Workspace, site=site)
class WorkspaceAdmin(Setup):
    """A new workspace is owned by whoever makes it."""

    workspace_path = "pk"
    list_filter = ()
    changeable = False
    list_display = ("name", "slug", "created_at")
    fields = ("name", "slug")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return people.create_workspace(name=data["name"], slug=data["slug"], by=by)


class MembershipForm(OperationForm):
    """Who comes in, by address: nobody is shown a list of the people of other workspaces."""

    email = forms.EmailField(required=False, help_text="Of somebody who has an account here.")

    def clean_email(self) -> User | None:
        address = self.cleaned_data["email"].lower()
        found = User.objects.filter(email=address, is_service=False).first()
        if found is None:
            raise forms.ValidationError("Nobody has an account with this address.")
        return found


@admin.register(Membership, site=site)
class MembershipAdmin(Setup):
    form = MembershipForm
    fixed = ("workspace", "user")
    removable = True
    list_display = ("user", "workspace", "role", "created_at")
    list_select_related = ("user", "workspace")
    list_filter = (OwnWorkspace, "role")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "email", "role") if obj is None else ("workspace", "user", "role")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None:
            form.base_fields.pop("email", None)
        return form

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        if before is not None:
            return people.change_role(workspace=before.workspace, user=before.user, role=data["role"], by=by)
        return people.add_member(workspace=data["workspace"], user=data["email"], role=data["role"], by=by)

    def remove(self, *, by: User, row: Any) -> None:
        people.remove_member(workspace=row.workspace, user=row.user, by=by)


@admin.register(User, site=site)
class UserAdmin(Setup):
    """The people of one's workspaces. What can be added here are service accounts; people come by membership."""

    workspace_path = "memberships__workspace"
    list_filter = ("is_active", "is_service")
    changeable = False
    list_display = ("email", "name", "is_active", "is_service", "owner")
    list_select_related = ("owner",)
    actions = ("disable",)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).distinct()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "name", "owner") if obj is None else (*self.list_display, "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = OperationForm if obj is not None else ServiceAccountForm
        kwargs["fields"] = [] if obj is not None else ["name", "owner"]
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return keys.create_service_account(
            workspace=data["workspace"], name=data["name"], owner=data["owner"] or by, by=by
        )

    @admin.action(description="Disable: keep out from the next request on")
    def disable(self, request: HttpRequest, queryset: "models.QuerySet[User]") -> None:
        self.each(request, queryset, lambda row: people.disable_user(user=row, by=person(request)), "disabled.")


class ServiceAccountForm(OperationForm):
    """A program's account, in one workspace, for which a person answers."""

    workspace = forms.ModelChoiceField(Workspace.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Any = self.fields["workspace"]
        own.queryset = choices_for(self.request, Workspace)
        self.instance.is_service = True

    def _get_validation_exclusions(self) -> set[str]:
        return {field.name for field in User._meta.get_fields()}

    def validate_constraints(self) -> None:
        """Leave the pairing of service account and owner to the operation."""


class TeamForm(OperationForm):
    """A team's name, and who is in it."""

    people = forms.ModelMultipleChoiceField(User.objects.none(), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "people" not in self.fields:
            return
        field: Any = self.fields["people"]
        field.queryset = User.objects.filter(memberships__workspace=self.instance.workspace_id, is_active=True)
        field.initial = list(self.instance.group.user_set.values_list("pk", flat=True))


@admin.register(Team, site=site)
class TeamAdmin(Setup):
    """Teams and their people. Rights on single objects are granted to teams, on the pages of those grants."""

    form = TeamForm
    fixed = ("workspace", "name")
    list_display = ("name", "workspace")
    list_select_related = ("workspace",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "name") if obj is None else ("workspace", "name", "people")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            form.base_fields.pop("people", None)
        return form

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        if before is None:
            return teams.create_team(workspace=data["workspace"], name=data["name"], by=by)
        wanted, present = set(data["people"]), set(before.group.user_set.filter(is_active=True))
        for user in wanted - present:
            teams.add_to_team(team=before, user=user, by=by)
        for user in present - wanted:
            teams.remove_from_team(team=before, user=user, by=by)
        found: models.Model = before
        return found


class KeyForm(OperationForm):
    """A new key: for what, and until when."""

    scopes = forms.MultipleChoiceField(
        choices=KeyScope.choices, initial=KeyScope.values, widget=forms.CheckboxSelectMultiple
    )


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(Setup):
    """Keys of service accounts. A key's text is on the page that answers its making, and nowhere else ever."""

    changeable = False
    form = KeyForm
    list_display = ("name", "prefix", "user", "workspace", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user", "workspace")
    actions = ("revoke",)
    issued_template = "admin/issued_key.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("workspace", "user", "name", "scopes", "expires_at")
        return added if obj is None else (*self.list_display, "scopes", "created_by", "created_at")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "user":
            field.queryset = field.queryset.filter(is_service=True)
        return field

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        issued = keys.issue_key(
            workspace=data["workspace"],
            account=data["user"],
            name=data["name"],
            scopes=data["scopes"],
            expires_at=data["expires_at"],
            by=by,
        )
        issued.key.__dict__["text"] = issued.text
        return issued.key

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Answer with the key itself, once (no page of the admin is cached); no session or cookie ever holds it."""
        context = {**self.admin_site.each_context(request), "title": "Copy this key now", "key": obj, "opts": self.opts}
        return TemplateResponse(request, self.issued_template, context)

    @admin.action(description="Revoke: useless from the next request on")
    def revoke(self, request: HttpRequest, queryset: "models.QuerySet[ApiKey]") -> None:
        rows = queryset.filter(workspace__in=owned(request))
        self.each(request, rows, lambda row: keys.revoke_key(key=row, by=person(request)), "revoked.")


@admin.register(IdempotencyRecord, site=site)
class IdempotencyRecordAdmin(Records):
    """Which POSTs were answered; not what, since an answer may have held something that is shown once."""

    list_display = ("endpoint", "user", "status_code", "created_at")
    list_select_related = ("user",)
    fields = ("workspace", "user", "endpoint", "key", "status_code", "created_at")
