"""Forking a run from one of its steps, and letting a simulated run go on live."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from agents.console.fork_page import fork_url
from agents.console.found import run_or_404
from agents.console.run_page import may_control
from agents.models import Run, Step
from agents.operations import fork_run, make_live
from workspaces.console.asking import person_of
from workspaces.console.fork_shapes import ForkPage
from workspaces.console.links import run_url
from workspaces.console.once import FIELD, once
from workspaces.console.words import look
from workspaces.errors import DomainError, Forbidden

MOST_VERSIONS = 50
JSON_WRONG = {"invalid": 'This is no JSON. Write a value such as {"name": "Ada"}.'}


class Fork(forms.Form):
    """Where, by which version, and what is different there."""

    step = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    version = forms.TypedChoiceField(coerce=int, help_text="The steps up to here stay as they were recorded.")
    message = forms.CharField(
        label="Message to the agent",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="It is told under your name, as content: nothing is trusted because of it.",
    )
    result = forms.JSONField(
        label="In place of what this call gave",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono"}),
        help_text="An object as JSON. Left empty: as it was recorded.",
        error_messages=JSON_WRONG,
    )
    state = forms.JSONField(
        label="In place of what nodes gave",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono"}),
        help_text="Outputs by node as JSON; each fits its node’s schema. Left empty: as they were recorded.",
        error_messages=JSON_WRONG,
    )

    def __init__(self, run: Run, step: Step | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = run.agent.versions.order_by("-number").values_list("number", flat=True)[:MOST_VERSIONS]
        known = dict.fromkeys([run.version.number, *numbers])
        self.fields["version"].choices = [(one, f"Version {one}") for one in known]  # type: ignore[attr-defined]
        flow = run.version.workflow is not None
        if flow:
            del self.fields["message"]
        if flow or step is None or step.recorded_action is None:
            del self.fields["result"]
        if not flow:
            del self.fields["state"]

    def wishes(self) -> dict[str, Any]:
        """Return what was asked for, as the operation takes it; raise where JSON is no object."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "step" and value not in (None, "")}
        for name in ("result", "state"):
            if name in said and not isinstance(said[name], dict):
                self.add_error(name, 'Write an object, such as {"name": "Ada"}.')
        return said


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask what is to be different in a fork, and make it."""
    run = run_or_404(request, run_id)
    if not fork_url(run, may_control(run, person_of(request))):
        raise Forbidden(f"You may not fork runs of {run.agent.title}.", "Ask an owner to grant it to your team.")
    number = _number(request)
    step = run.steps.select_related("action", "copies__action").filter(number=number).first() if number else None
    if step is None and number:
        raise Http404
    form = Fork(run, step, request.POST if request.method == "POST" else None, initial={"step": number})
    status = 200
    if request.method == "POST":
        answer = _fork(request, run, form)
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    page = ForkPage(
        back_url=run_url(run.id),
        back=run.title,
        step=number,
        what=_what(step),
        workflow=run.version.workflow is not None,
    )
    context = {"form": form, "page": page, "once_key": request.POST.get(FIELD, "")}
    return render(request, "agents/run_fork.html", context, status=status)


def _number(request: HttpRequest) -> int:
    named = request.POST.get("step", "") or request.GET.get("step", "0")
    if not named.isascii() or not named.isdecimal() or len(named) > 9:
        raise Http404
    return int(named)


def _what(step: Step | None) -> str:
    if step is None:
        return "the beginning"
    name = step.node or str(step.input.get("tool", "")) or look("step_kind", step.kind).word
    return f"step {step.number} ({name})"


def _fork(request: HttpRequest, run: Run, form: Fork) -> HttpResponse | int:
    """Make the fork and return the way to it; where that cannot be, say why in the form and return the status."""
    wishes = form.wishes() if form.is_valid() else {}
    if form.errors:
        return 422

    def make() -> str:
        return run_url(fork_run(run_id=run.id, at=form.cleaned_data["step"], by=person_of(request), **wishes).id)

    try:
        led_to = once(request, make)
    except DomainError as error:
        told = [sentence for sentences in getattr(error, "fields", {}).values() for sentence in sentences]
        form.add_error(None, f"{error.message} {' '.join(told)} {error.hint}".strip())
        return error.http_status
    messages.success(request, "The fork has begun. It is simulated: nothing is changed or sent.")
    return redirect(led_to)


@require_POST
def go_live(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Let a simulated run go on live."""
    run = run_or_404(request, run_id)
    led_to = once(request, lambda: run_url(make_live(run_id=run.id, by=person_of(request)).id))
    messages.warning(request, "The run is live from here on. What it had simulated has not been done.")
    return redirect(led_to)
