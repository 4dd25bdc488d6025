"""The inbox, one request, and the forms that decide on it. GET shows; only POST decides."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.console.answers import answer_of, unsent
from approvals.console.editing import edit_context, form_of
from approvals.console.forks import fork_of
from approvals.console.memo import memo
from approvals.console.rows import beside, inbox, onward
from approvals.errors import AlreadyDecided
from approvals.forms import ArgumentsForm
from approvals.models import Decision, Request
from approvals.operations import Answer, decide
from approvals.permissions import candidates, check_can_decide, deciders
from approvals.states import DecisionKind, RequestKind, RequestStatus
from workspaces.console.asking import person_of, wants_region
from workspaces.console.links import request_url
from workspaces.console.listing import page_of
from workspaces.console.once import once
from workspaces.console.shapes import Unsent
from workspaces.errors import DomainError, Forbidden, InvalidInput, NotFound, StaleState
from workspaces.tenancy import workspace_of

SAID = {
    DecisionKind.APPROVE: "Approved. It is carried out as soon as a worker gets to it.",
    DecisionKind.REJECT: "Rejected. The agent is told why.",
    DecisionKind.RESPOND: "Answered. The agent reads it and goes on without this action.",
    DecisionKind.EDIT: "Your version was proposed; it is checked like any other. What is asked of it appears here.",
}


@require_safe
def inbox_page(request: HttpRequest) -> HttpResponse:
    """Show the requests that wait, those of the person first; a live region gets its rows only."""
    context = inbox(request, person_of(request), workspace_of(request))
    template = "approvals/inbox_rows.html" if wants_region(request) else "approvals/inbox.html"
    return render(request, template, {**context, "region": wants_region(request)})


@require_safe
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show one request as a memo, beside the inbox; its live region gets the memo alone, if anything has moved."""
    found = _find(request, request_id)
    if not wants_region(request):
        return _show(request, found)
    page = memo(found, person_of(request), onward=onward)
    if request.GET.get("seen") == page.version:
        return HttpResponse(status=204)
    return render(request, "approvals/memo.html", {"page": page, "region": True, **fork_of(found)})


@require_safe
def deciders_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show who may decide on one request now, and of the others of the queue's teams why not."""
    found = _find(request, request_id)
    people, pager = page_of(request, candidates(found).order_by("name", "id"))
    context = {"title": found.title, "back_url": request_url(found.id), "people": deciders(found, people)}
    return render(request, "approvals/deciders.html", {**context, "pager": pager})


@require_POST
def decide_on(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one person's answer; where it is not taken, show the request as it is now with what was typed."""
    found = _find(request, request_id)
    try:
        return redirect(once(request, lambda: _decided(request, found, answer_of(request.POST))))
    except (InvalidInput, Forbidden, StaleState) as error:
        return _show(request, _find(request, request_id), unsent(request.POST, error), error.http_status)


def _decided(request: HttpRequest, found: Request, answer: Answer) -> str:
    """Decide, say what comes of it, and return where the decision stands."""
    decision = decide(request_id=found.id, answer=answer, by=person_of(request))
    messages.success(request, _told(decision))
    return request_url(found.id)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show the arguments, or what a workflow asks for, as a typed form; POST proposes, or answers."""
    found, asks = _find(request, request_id), request.method != "POST"
    if asks:
        check_can_decide(person_of(request), found, _kind_of_form(found))
    if found.status != RequestStatus.OPEN and asks:
        raise AlreadyDecided(f"This request is {found.get_status_display().lower()}, so it can no longer be edited.")
    form = form_of(found, None if asks else request.POST)
    if asks:
        return render(request, "approvals/request_edit.html", edit_context(found, person_of(request), form))
    try:
        return redirect(once(request, lambda: _edited(request, found, form)))
    except (InvalidInput, StaleState) as error:
        return _form_again(request, found, form, error)


def _edited(request: HttpRequest, found: Request, form: ArgumentsForm) -> str:
    """Take the person's version; whether they may is asked here, since a form sent again was theirs to send."""
    kind = _kind_of_form(found)
    check_can_decide(person_of(request), found, kind)
    reason, seen = request.POST.get("reason", ""), request.POST.get("binding", "")
    return _decided(request, found, Answer(kind=kind, seen=seen, reason=reason, arguments=form.arguments()))


def _kind_of_form(found: Request) -> DecisionKind:
    """Return what sending the form of a request is: an answer to a workflow, or an edit."""
    return DecisionKind.APPROVE if found.kind == RequestKind.FORM else DecisionKind.EDIT


def _form_again(request: HttpRequest, found: Request, form: Any, error: DomainError) -> HttpResponse:
    fields = getattr(error, "fields", {})
    if not form.errors:
        for name, sentences in fields.items():
            form.add_error(name if name in form.fields else None, sentences)
    if not form.errors:
        form.add_error(None, f"{error.message} {error.hint}".strip())
    context = edit_context(found, person_of(request), form, reason=request.POST.get("reason", ""))
    return render(request, "approvals/request_edit.html", context, status=error.http_status)


def _find(request: HttpRequest, request_id: UUID) -> Request:
    """Return a request of this workspace that the person may see; raise ``NotFound`` for all others alike."""
    rows = Request.objects.visible_to(person_of(request)).filter(workspace=workspace_of(request), pk=request_id)
    people = Prefetch("decisions", Decision.objects.select_related("user").order_by("at"))
    found = rows.select_related("queue", "action__tool").prefetch_related(people).first()
    if found is None:
        raise NotFound("There is no such request here.", "Check the address and the workspace.")
    return found


def _show(request: HttpRequest, found: Request, answer: Unsent | None = None, status: int = 200) -> HttpResponse:
    person = person_of(request)
    context = {"page": memo(found, person, answer, onward), "answer": answer, **fork_of(found)}
    return render(
        request, "approvals/request.html", {**context, **beside(person, workspace_of(request), found)}, status=status
    )


def _told(decision: Decision) -> str:
    request = decision.request
    if decision.settlement:
        return f"Settled: {decision.get_settlement_display()}."
    if request.kind == RequestKind.FORM and decision.kind == DecisionKind.APPROVE:
        return "Your answers are recorded. The workflow goes on with them."
    if decision.kind == DecisionKind.APPROVE and request.action_id is None:
        return "Approved. The run goes on."
    if decision.kind == DecisionKind.APPROVE:
        still = Request.objects.filter(pk=request.pk, status=RequestStatus.OPEN).values_list("quorum", "approvals")
        for quorum, approvals in still:
            return f"Your approval is recorded: {approvals} of {quorum}."
    return SAID[DecisionKind(decision.kind)]
