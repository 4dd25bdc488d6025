"""The ledger to read: its events and seals. Webhooks to set up, and their deliveries to read and send again."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit import operations
from audit.ledger.models import Event, Seal
from audit.models import Delivery, WebhookEndpoint
from workspaces.admin_forms import OperationForm, person
from workspaces.administration import OwnWorkspace, Records, Setup, site
from workspaces.errors import DomainError
from workspaces.models import User


@admin.register(Event, site=site)
class EventAdmin(Records):
    workspace_path = "workspace_id"
    ordering = ("-sequence",)
    list_display = ("sequence", "at", "actor", "verb", "subject_type", "subject_id")
    list_filter = (OwnWorkspace,)


@admin.register(Seal, site=site)
class SealAdmin(Records):
    workspace_path = "workspace_id"
    ordering = ("-at",)
    list_display = ("number", "workspace_id", "event_count", "merkle_root", "key_id", "at")
    list_filter = (OwnWorkspace,)


class WebhookForm(OperationForm):
    """Where events are sent and which; the secret is made here and never typed."""

    verbs = SimpleArrayField(
        forms.CharField(max_length=100), required=False, help_text="By commas, such as request.*; empty for all."
    )


@admin.register(WebhookEndpoint, site=site)
class WebhookAdmin(Setup):
    """A webhook's secret is on the page that answers its making or its rotation, and nowhere else ever."""

    form = WebhookForm
    fixed = ("workspace", "disabled_reason", "failing_since", "previous_until")
    removable = True
    list_display = ("__str__", "url", "is_enabled", "failing_since", "workspace")
    list_select_related = ("workspace",)
    list_filter = (OwnWorkspace, "is_enabled")
    actions = ("ping", "rotate")
    issued_template = "admin/issued_webhook_secret.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("workspace", "url", "description", "verbs")
        return added if obj is None else (*added, "is_enabled", *self.fixed[1:])

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        if before is not None:
            return operations.update_endpoint(endpoint=before, by=by, **data)
        issued = operations.create_endpoint(**data, by=by)
        issued.endpoint.__dict__["text"] = issued.secret
        return issued.endpoint

    def remove(self, *, by: User, row: Any) -> None:
        operations.delete_endpoint(endpoint=row, by=by)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Answer with the secret itself, once (no page of the admin is cached); no session or cookie ever holds it."""
        return self._issued(request, obj, obj.text)

    def _issued(self, request: HttpRequest, endpoint: WebhookEndpoint, text: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": "Copy this secret now", "opts": self.opts}
        return TemplateResponse(request, self.issued_template, {**context, "endpoint": endpoint, "text": text})

    @admin.action(description="Send a ping")
    def ping(self, request: HttpRequest, queryset: "models.QuerySet[WebhookEndpoint]") -> None:
        rows = queryset.select_related("workspace")
        self.each(request, rows, lambda row: operations.ping(endpoint=row, by=person(request)), "a ping is on its way.")

    @admin.action(description="Rotate the secret: both sign for a day")
    def rotate(self, request: HttpRequest, queryset: "models.QuerySet[WebhookEndpoint]") -> HttpResponse | None:
        """Rotate one, since the new secret is answered at once; more are refused."""
        rows = list(queryset.select_related("workspace")[:2])
        if len(rows) != 1:
            self.message_user(request, "Choose one webhook: its new secret is shown on the next page.", "ERROR")
            return None
        try:
            issued = operations.rotate_secret(endpoint=rows[0], by=person(request))
        except DomainError as refusal:
            self.message_user(request, f"{refusal.message} {refusal.hint}", "ERROR")
            return None
        return self._issued(request, issued.endpoint, issued.secret)


@admin.register(Delivery, site=site)
class DeliveryAdmin(Records):
    list_display = ("verb", "event_id", "endpoint", "cause", "status", "failures", "last_status", "next_at")
    list_select_related = ("endpoint",)
    list_filter = (OwnWorkspace, "status", "cause")
    actions = ("redeliver",)

    @admin.action(description="Send again")
    def redeliver(self, request: HttpRequest, queryset: "models.QuerySet[Delivery]") -> None:
        rows = queryset.select_related("endpoint__workspace", "workspace")
        again = operations.redeliver
        self.each(request, rows, lambda row: again(delivery=row, by=person(request)), "on its way again.")
