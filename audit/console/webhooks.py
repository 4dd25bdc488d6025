"""Webhooks: where the workspace's events are sent, what became of each, and the secrets that sign them.

Only owners see and change them, as in the API. A secret is shown once, on the answer to the form that made it: that
page is not stored by browsers, and its form is carried out each time it is sent.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import operations
from audit.models import Delivery, WebhookEndpoint
from audit.operations import Issued
from audit.operations.endpoints import MAX_OVERLAP_HOURS, OVERLAP_HOURS, WHAT
from audit.states import DeliveryCause, DeliveryStatus
from workspaces.access import check_owner
from workspaces.console.asking import person_of
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.once import once
from workspaces.errors import DomainError, InvalidInput, NotFound
from workspaces.models import Workspace
from workspaces.tenancy import workspace_of

DAYS: Final = {"1": "The last day", "3": "The last 3 days", "7": "The last 7 days"}


class EndpointForm(forms.Form):
    """An address, and what it is told of."""

    url = forms.CharField(label="Address", max_length=500, help_text="It begins with https://.")
    description = forms.CharField(max_length=200, required=False)
    verbs = forms.CharField(
        label="Events", max_length=4000, required=False, help_text="With spaces between them; empty for all of them."
    )

    def clean_verbs(self) -> list[str]:
        """Return the events as a list."""
        return str(self.cleaned_data["verbs"]).replace(",", " ").split()


class RotateForm(forms.Form):
    """How long the present secret goes on to sign too."""

    overlap_hours = forms.IntegerField(
        label="Hours that both sign", min_value=0, max_value=MAX_OVERLAP_HOURS, initial=OVERLAP_HOURS
    )


class AgainForm(forms.Form):
    """Since when."""

    days = forms.ChoiceField(label="What did not arrive in", choices=list(DAYS.items()))


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the webhooks."""
    workspace = _owned(request)
    found, pager = page_of(request, _endpoints(workspace).order_by("created_at", "id"))
    context = {"endpoints": found, "pager": pager, "new_url": reverse("webhooks:new")}
    return render(request, "audit/webhooks.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for an address, make the webhook, and show its secret this once."""
    workspace = _owned(request)
    form = EndpointForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = operations.create_endpoint(workspace=workspace, by=person_of(request), **form.cleaned_data)
                return _secret(request, made)
            except DomainError as error:
                status = _refuse(form, error)
    return render(request, "audit/webhook_new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Show one webhook with its deliveries; take a change of it."""
    endpoint = _endpoint(request, endpoint_id)
    values = {"url": endpoint.url, "description": endpoint.description, "verbs": " ".join(endpoint.verbs)}
    form = EndpointForm(request.POST if request.method == "POST" else None, initial=values)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                operations.update_endpoint(endpoint=endpoint, by=person_of(request), **form.cleaned_data)
            except DomainError as error:
                status = _refuse(form, error)
            else:
                messages.success(request, "Changed.")
                return redirect(_url(endpoint))
    return _page(request, endpoint, status, form=form)


@require_POST
def switch(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Disable a webhook, or enable it again: as the form says."""
    endpoint, enable = _endpoint(request, endpoint_id), request.POST.get("enable") == "yes"

    def carry_out() -> str:
        operations.update_endpoint(endpoint=endpoint, by=person_of(request), is_enabled=enable)
        said = "Enabled: it is told of what happens from now on." if enable else "Disabled: nothing is sent to it."
        messages.success(request, said)
        return _url(endpoint)

    return redirect(once(request, carry_out))


@never_cache
@require_POST
def rotate(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Make a new secret and show it this once."""
    endpoint = _endpoint(request, endpoint_id)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _page(request, endpoint, 422, rotation=form)
    return _secret(request, operations.rotate_secret(endpoint=endpoint, by=person_of(request), **form.cleaned_data))


@require_POST
def ping(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send a test."""
    endpoint = _endpoint(request, endpoint_id)

    def carry_out() -> str:
        operations.ping(endpoint=endpoint, by=person_of(request))
        messages.success(request, "A test is on its way.")
        return _url(endpoint)

    return redirect(once(request, carry_out))


@require_POST
def again(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send again what did not arrive since some days."""
    endpoint = _endpoint(request, endpoint_id)
    form = AgainForm(request.POST)
    if not form.is_valid():
        return _page(request, endpoint, 422, since=form)
    since = datetime.now(UTC) - timedelta(days=int(form.cleaned_data["days"]))

    def carry_out() -> str:
        count = operations.redeliver_since(endpoint=endpoint, since=since, by=person_of(request))
        messages.success(request, f"{count} of what failed is sent again; what was missed follows.")
        return _url(endpoint)

    return redirect(once(request, carry_out))


@require_POST
def redeliver(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Send one event again."""
    rows = Delivery.objects.filter(workspace=_owned(request)).select_related("endpoint__workspace", "workspace")
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("There is no such delivery here.", "Deliveries are not kept for ever.")

    def carry_out() -> str:
        operations.redeliver(delivery=delivery, by=person_of(request))
        messages.success(request, "The event is on its way once more.")
        return _url(delivery.endpoint)

    return redirect(once(request, carry_out))


def _owned(request: HttpRequest) -> Workspace:
    workspace = workspace_of(request)
    check_owner(person_of(request), workspace, WHAT)
    return workspace


def _endpoints(workspace: Workspace) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(workspace=workspace).select_related("workspace")


def _endpoint(request: HttpRequest, endpoint_id: UUID) -> WebhookEndpoint:
    found = _endpoints(_owned(request)).filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound("There is no such webhook here.", "It may have been deleted.")
    return found


def _url(endpoint: WebhookEndpoint) -> str:
    return reverse("webhooks:show", args=[endpoint.pk])


def _refuse(form: forms.Form, error: DomainError) -> int:
    """Say in the form, beside the field where there is one, why it was not taken; return the status."""
    fields = error.fields if isinstance(error, InvalidInput) else {}
    field = next((name for name in fields if name in form.fields), None)
    form.add_error(field, f"{error.message} {error.hint}".strip())
    return error.http_status


def _secret(request: HttpRequest, issued: Issued) -> HttpResponse:
    context = {"endpoint": issued.endpoint, "secret": issued.secret, "endpoint_url": _url(issued.endpoint)}
    answer = render(request, "audit/webhook_secret.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _page(request: HttpRequest, endpoint: WebhookEndpoint, status: int, **filled: forms.Form) -> HttpResponse:
    chosen = asked(request, "status")
    rows = Delivery.objects.filter(endpoint=endpoint)
    rows = rows.filter(status=chosen) if chosen in DeliveryStatus.values else rows
    found, pager = page_of(request, rows.order_by("-id"))
    before = {"url": endpoint.url, "description": endpoint.description, "verbs": " ".join(endpoint.verbs)}
    context: dict[str, Any] = {
        "endpoint": endpoint,
        "deliveries": found,
        "causes": dict(DeliveryCause.choices),
        "pager": pager,
        "filters": [choice("status", "State", DeliveryStatus.choices, chosen)],
        "clear_url": _url(endpoint) if chosen else "",
        "list_url": reverse("webhooks:index"),
        "form": filled.get("form") or EndpointForm(initial=before),
        "rotation": filled.get("rotation") or RotateForm(),
        "since": filled.get("since") or AgainForm(),
    }
    return render(request, "audit/webhook.html", context, status=status)
