"""``/components/``: every component in every state, and every page with samples.

It is what the visual tests photograph. Shown while debugging and to staff; for everybody else it does not exist.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workspaces.console import (
    knowledge_samples,
    request_samples,
    run_samples,
    samples,
    schedule_samples,
    signin_samples,
)
from workspaces.console.words import LOOKS

Context = dict[str, Any]


class SampleForm(forms.Form):
    """One field of every kind that the console's forms use."""

    tier = forms.ChoiceField(choices=[("silver", "silver"), ("gold", "gold")], help_text="As the CRM names it.")
    discount = forms.DecimalField(label="Discount in percent", max_value=20, required=False)
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}))
    notify = forms.BooleanField(label="Tell the account manager", required=False)


class SampleSignIn(forms.Form):
    """The two fields of signing in."""

    username = forms.EmailField(label="E-mail")
    password = forms.CharField(widget=forms.PasswordInput)


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show every component in every state."""
    _only_staff(request)
    return render(request, "console/components.html", _components())


@login_not_required
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show one whole page with samples; ``name`` is a key of ``PAGES``."""
    _only_staff(request)
    if name not in PAGES:
        raise Http404
    template, build, here = PAGES[name]
    frame = samples.frame(here=here, paused="paused" in name) if here else None
    return render(request, template, {"frame": frame, **build()})


def _only_staff(request: HttpRequest) -> None:
    if not settings.DEBUG and not getattr(getattr(request, "user", None), "is_staff", False):
        raise Http404


def _components() -> Context:
    form = SampleForm(data={"discount": "50", "note": "", "tier": "gold"})
    return {
        "frame": samples.frame(here=""),
        "pages": list(PAGES),
        "looks": [(kind, list(states)) for kind, states in LOOKS.items()],
        "hostile": samples.HOSTILE,
        "facts": samples.facts().values(),
        "bars": request_samples.bars().items(),
        "arguments": samples.arguments(),
        "changes": samples.changes(),
        "reasons": samples.reasons(),
        "confidences": samples.confidences(),
        "quorum": request_samples.request_page().quorum,
        "ticket": samples.ticket(),
        "reads": samples.reads(),
        "words": samples.words(),
        "said": samples.words("I am certain. " + samples.BIDI),
        "timeline": run_samples.timeline(),
        "pauses": samples.pauses(),
        "in_flight": run_samples.in_flight(),
        "rows": samples.inbox_rows(4),
        "runs": run_samples.run_rows(),
        "filters": run_samples.filters(),
        "pager": run_samples.pager(),
        "form": form,
        "fields": [(field, None, None) for field in form],
        "now": samples.ago(),
        "soon": samples.ago(hours=-3),
        "amounts": _amounts(),
        "id": samples.ID,
        "digest": samples.DIGEST,
    }


def _amounts() -> list[tuple[Any, str]]:
    run = run_samples.run_row()
    refund = samples.facts()["compensatable"]
    return [(refund.amount, "EUR"), (refund.amount, "JPY"), (run.cost, "USD"), (None, "USD")]


def _inbox(count: int, selected: int | None = None) -> Context:
    rows = samples.inbox_rows(count, selected)
    pager = run_samples.pager() if count > 7 else None
    return {"rows": rows, "waiting": count, "runs_url": samples.HERE, "pager": pager}


def _request(state: str) -> Callable[[], Context]:
    def build() -> Context:
        page = request_samples.request_page(state)
        return {"page": page, "answer": page.bar.answer if page.bar else None, **_inbox(7, 0)}

    return build


def _run(state: str) -> Callable[[], Context]:
    return lambda: {"page": run_samples.run_page(state)}


def _live() -> Context:
    page = run_samples.run_page("waiting")
    return {"page": replace(page, events_url=f"{samples.HERE}events/", region_url=f"{samples.HERE}region/")}


def _edit(heading: str = "Edit the arguments", send: str = "Propose this version") -> Context:
    lead = "Your version becomes a new action and is checked like any other."
    words = {"heading": heading, "lead": lead, "send": send, "leave": "Back without a change", "reason": True}
    form = SampleForm(initial={"tier": "gold", "note": samples.ticket().text, "discount": "5"})
    source = samples.arguments()[1].sources[0]
    fields = [(field, form.initial.get(field.name), source if field.name == "tier" else None) for field in form]
    page = request_samples.request_page()
    shown = {"page": page, "form": form, "fields": fields, "words": words}
    return {**shown, "cancel_url": samples.HERE, "binding": samples.DIGEST}


def _collections(count: int) -> Context:
    rows = knowledge_samples.collection_rows()[:count]
    return {"collections": rows, "search_url": samples.HERE, "owner": True}


def _upload() -> Context:
    return {"form": SampleForm(), "collection": {"title": "Policies"}, "url": samples.HERE, "back_url": samples.HERE}


def _facts() -> Context:
    return {"facts": knowledge_samples.fact_rows(), "filters": run_samples.filters(), "pager": run_samples.pager()}


def _usage() -> Context:
    *rows, total = run_samples.usage_rows()
    return {"rows": rows, "total": total, "by": "Day", "filters": run_samples.filters()}


def _runs(count: int) -> Context:
    paged = {"pager": run_samples.pager(), "filters": run_samples.filters()} if count else {}
    return {"runs": run_samples.run_rows(count), "new_run_url": samples.HERE, **paged}


def _conflict() -> Context:
    said = "finance@example.com approved this two minutes ago."
    return {"message": said, "hint": "Nothing of yours was recorded.", "code": "already_decided"}


def _ledger() -> Context:
    return {
        "events": run_samples.event_rows(), "seals": run_samples.seal_rows(), "witness": True,
        "unsealed": 2, "lag_alarm": True, "pager": run_samples.pager(), "filters": run_samples.filters(),
    }  # fmt: skip


def _schedules(count: int) -> Context:
    rows = schedule_samples.schedule_rows()[:count]
    return {"schedules": rows, "new_url": samples.HERE, "filters": run_samples.filters()}


def _schedule(stopped: bool) -> Context:
    page, form = schedule_samples.schedule_page(stopped), None if stopped else SampleForm()
    return {"page": page, "form": form, "runs": run_samples.run_rows(0 if stopped else 3)}


def _agent() -> Context:
    return {"page": run_samples.agent_page(), "scheduled": schedule_samples.scheduled()}


REQUESTS: Final = (
    "reject", "respond", "refused", "edited", "drifted", "hostile", "settle", "settling", "budget", "extend",
    "decided", "rejected", "expired", "superseded",
)  # fmt: skip
PAGES: Final[dict[str, tuple[str, Callable[[], Context], str]]] = {
    "inbox": ("approvals/inbox.html", lambda: _inbox(7), "inbox"),
    "inbox-many": ("approvals/inbox.html", lambda: _inbox(40), "inbox"),
    "inbox-empty": ("approvals/inbox.html", lambda: _inbox(0), "inbox"),
    "inbox-paused": ("approvals/inbox.html", lambda: _inbox(3), "inbox"),
    "request": ("approvals/request.html", _request("action"), "inbox"),
    **{f"request-{state}": ("approvals/request.html", _request(state), "inbox") for state in REQUESTS},
    "edit": ("approvals/request_edit.html", _edit, "inbox"),
    "fill-in": ("approvals/request_edit.html", lambda: _edit("Fill in the form", "Send the answers"), "inbox"),
    "runs": ("agents/runs.html", lambda: _runs(6), "runs"),
    "runs-empty": ("agents/runs.html", lambda: _runs(0), "runs"),
    "usage": ("agents/usage.html", _usage, "usage"),
    "usage-empty": ("agents/usage.html", lambda: {"filters": run_samples.filters()}, "usage"),
    "run": ("agents/run.html", _run("waiting"), "runs"),
    "run-workflow": ("agents/run.html", lambda: {**_run("waiting")(), "workflow": run_samples.workflow()}, "runs"),
    "run-live": ("agents/run.html", _live, "runs"),
    "run-queued": ("agents/run.html", _run("queued"), "runs"),
    "run-paused": ("agents/run.html", _run("paused"), "runs"),
    "run-failed": ("agents/run.html", _run("failed"), "runs"),
    "run-succeeded": ("agents/run.html", _run("succeeded"), "runs"),
    "told": ("agents/told.html", lambda: {"page": run_samples.told_page()}, "runs"),
    "run-new": ("agents/run_new.html", lambda: {"form": SampleForm(), "agents": True}, "runs"),
    "rollback": ("agents/rollback_preview.html", lambda: {"preview": run_samples.rollback_preview()}, "runs"),
    "agents": (
        "agents/agents.html",
        lambda: {"agents": [run_samples.agent_row(), run_samples.agent_row("second-agent", paused=True)]},
        "agents",
    ),
    "agent": ("agents/agent.html", _agent, "agents"),
    "schedules": ("agents/schedules.html", lambda: _schedules(3), "runs"),
    "schedules-empty": ("agents/schedules.html", lambda: _schedules(0), "runs"),
    "schedule": ("agents/schedule.html", lambda: _schedule(stopped=False), "runs"),
    "schedule-stopped": ("agents/schedule.html", lambda: _schedule(stopped=True), "runs"),
    "schedule-new": ("agents/schedule_new.html", lambda: {"form": SampleForm(), "agents": True}, "runs"),
    "knowledge": ("memory/collections.html", lambda: _collections(3), "knowledge"),
    "knowledge-empty": ("memory/collections.html", lambda: _collections(0), "knowledge"),
    "collection": ("memory/collection.html", lambda: {"page": knowledge_samples.collection_page()}, "knowledge"),
    "document": ("memory/document.html", lambda: {"page": knowledge_samples.document_page()}, "knowledge"),
    "document-new": ("memory/upload.html", _upload, "knowledge"),
    "document-forget": ("memory/forget.html", lambda: {"document": {"title": "Refunds"}, "passages": 12}, "knowledge"),
    "passages": ("memory/search.html", lambda: {"page": knowledge_samples.search_page()}, "knowledge"),
    "facts": ("agents/facts.html", _facts, "facts"),
    "fact": ("agents/fact.html", lambda: {"page": knowledge_samples.fact_page(), "form": SampleForm()}, "facts"),
    "fact-forget": ("agents/fact_forget.html", lambda: {"row": knowledge_samples.fact_rows()[1]}, "facts"),
    "ledger": ("audit/ledger.html", _ledger, "ledger"),
    "pauses": (
        "workspaces/pauses.html",
        lambda: {"pauses": samples.pauses(), "in_flight": run_samples.in_flight(), "pause_url": samples.HERE},
        "pauses",
    ),
    "sign-in": ("workspaces/sign_in.html", lambda: {"form": SampleSignIn(), "single_sign_on": "Acme ID"}, ""),
    **signin_samples.PAGES,
    "error-403": ("403.html", dict, "error"),
    "error-404": ("404.html", dict, "error"),
    "error-409": ("409.html", _conflict, "error"),
    "error-500": ("500.html", dict, ""),
}
