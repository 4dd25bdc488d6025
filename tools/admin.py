"""Connections and tools to set up; actions, their attempts, budgets and usage to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from tools.connectors.registry import CONNECTORS
from tools.models import Action, ActionAttempt, Connection, ConnectionGrant, Reservation, Tool, UsageRecord
from tools.operations import create_connection, save_tool, set_tool_enabled, update_connection
from tools.states import Effect
from workspaces.admin_forms import GrantForm, JsonField, OperationForm, SecretField, person
from workspaces.administration import GrantSetup, OwnWorkspace, Records, Setup, site
from workspaces.models import User


class ConnectionForm(OperationForm):
    """Where a system is, and the secret that opens it; the secret goes in and never comes out."""

    kind = forms.ChoiceField()
    config = JsonField(help_text="Address and settings, without secrets.")
    new_secret = SecretField(
        label="Secret", help_text="A JSON object. It is encrypted and never shown; empty leaves the stored one."
    )
    names = {"secret": "new_secret"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            kinds: Any = self.fields["kind"]
            kinds.choices = [(kind, known.title) for kind, known in sorted(CONNECTORS.items())]


@admin.register(Connection, site=site)
class ConnectionAdmin(Setup):
    """Every change grows the version, so that clearances given under the old one lapse."""

    form = ConnectionForm
    fixed = ("workspace", "name", "kind", "environment", "version")
    list_display = ("name", "kind", "environment", "version", "is_restricted", "is_enabled", "workspace")
    list_select_related = ("workspace",)
    list_filter = (OwnWorkspace, "kind", "environment", "is_enabled")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("workspace", "name", "kind", "environment", "sandbox", "is_restricted", "config", "new_secret")
        return added if obj is None else (*self.fixed, "sandbox", "is_restricted", "is_enabled", "config", "new_secret")

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        values = dict(data)
        secret = values.pop("new_secret")
        if before is not None:
            return update_connection(connection=before, secret=secret, **values, by=by)
        return create_connection(secret=secret or {}, **values, by=by)


@admin.register(ConnectionGrant, site=site)
class ConnectionGrantAdmin(GrantSetup):
    form = GrantForm


class ToolForm(OperationForm):
    """A connector's operation, narrowed by options; effect, egress and money may be stricter than its own."""

    operation = forms.ChoiceField()
    options = JsonField(help_text="What the operation may touch: tables, columns, recipients, limits.")
    effect = forms.ChoiceField(choices=[("", "As the operation says"), *Effect.choices], required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: Any = self.fields["operation"]
        known.choices = [
            (found.title, [(name, name) for name in sorted(found.operations)])
            for _, found in sorted(CONNECTORS.items())
        ]
        self.fields["connection"].required = True


@admin.register(Tool, site=site)
class ToolAdmin(Setup):
    form = ToolForm
    fixed = ("workspace", "name")
    fields = (
        "workspace",
        "name",
        "title",
        "description",
        "connection",
        "operation",
        "options",
        "effect",
        "egress",
        "moves_money",
        "deadline_seconds",
        "is_enabled",
    )
    list_display = ("name", "connection", "operation", "effect", "egress", "idempotency", "is_enabled")
    list_select_related = ("connection",)
    list_filter = (OwnWorkspace, "effect", "egress", "is_enabled")
    actions = ("enable", "disable")

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        values = dict(data)
        operation, effect = values.pop("operation"), values.pop("effect")
        named = {"workspace": before.workspace, "name": before.name} if before is not None else {}
        return save_tool(**{**values, **named}, operation_name=operation, effect=effect or None, by=by)

    @admin.action(description="Enable: agents may propose it")
    def enable(self, request: HttpRequest, queryset: "models.QuerySet[Tool]") -> None:
        self._set(request, queryset, enabled=True)

    @admin.action(description="Disable: nothing more is proposed or executed with it")
    def disable(self, request: HttpRequest, queryset: "models.QuerySet[Tool]") -> None:
        self._set(request, queryset, enabled=False)

    def _set(self, request: HttpRequest, queryset: "models.QuerySet[Tool]", *, enabled: bool) -> None:
        def change(row: Tool) -> None:
            set_tool_enabled(tool=row, enabled=enabled, by=person(request))

        rows = queryset.select_related("workspace")
        self.each(request, rows, change, "enabled." if enabled else "disabled.")


@admin.register(Action, site=site)
class ActionAdmin(Records):
    list_display = ("id", "tool", "status", "effect", "run_id", "attempt", "created_at", "finished_at")
    list_select_related = ("tool",)
    list_filter = (OwnWorkspace, "status", "effect")


@admin.register(ActionAttempt, site=site)
class ActionAttemptAdmin(Records):
    list_display = ("id", "action_id", "kind", "number", "outcome", "started_at", "finished_at")
    list_filter = (OwnWorkspace, "kind", "outcome")


@admin.register(Reservation, site=site)
class ReservationAdmin(Records):
    list_display = ("step_id", "attempt", "amount", "settled", "created_at", "settled_at")


@admin.register(UsageRecord, site=site)
class UsageRecordAdmin(Records):
    list_display = ("run_id", "provider", "model", "input_tokens", "output_tokens", "cost", "currency", "outcome", "at")
    list_filter = (OwnWorkspace, "outcome")
