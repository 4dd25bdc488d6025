"""Runs: the list, giving a task, one run's page, and the conversation that it belongs to."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from agents.console.fork_page import fork_state
from agents.console.found import agents_of, run_or_404, runs_of
from agents.console.rows import rows_of
from agents.console.run_page import may_control, run_page
from agents.console.wish_page import wish_of
from agents.console.workflows import workflow_of_run
from agents.models import Agent
from agents.operations import start_run
from agents.operations.retrying import retryable_step
from agents.states import RunKind, RunStatus
from memory.models import Session
from tools.models import Environment
from workspaces.console.asking import person_of, wants_region
from workspaces.console.links import AGENTS, NEW_RUN, run_url
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.once import FIELD, once
from workspaces.errors import DomainError
from workspaces.tenancy import workspace_of

Context = dict[str, Any]


@require_safe
@vary_on_headers("HX-Request")
def index(request: HttpRequest) -> HttpResponse:
    """List the runs, newest first; a refresh gets the rows alone."""
    return render(request, "agents/runs_rows.html" if wants_region(request) else "agents/runs.html", _runs(request))


def _runs(request: HttpRequest) -> Context:
    user, list_url = person_of(request), reverse("runs:index")
    chosen = {name: asked(request, name) for name in ("status", "kind", "agent", "environment")}
    rows = runs_of(request)
    if chosen["status"] in RunStatus.values:
        rows = rows.filter(status=chosen["status"])
    if chosen["kind"] in RunKind.values:
        rows = rows.filter(kind=chosen["kind"])
    if chosen["environment"] in Environment.values:
        rows = rows.filter(environment=chosen["environment"])
    if chosen["agent"]:
        rows = rows.filter(agent__name=chosen["agent"])
    found, pager = page_of(request, rows.select_related("agent").order_by("-id"))
    agents = agents_of(request).order_by("name").values_list("name", "title")
    return {
        "runs": rows_of(found, user),
        "pager": pager,
        "filters": [
            choice("status", "Status", RunStatus.choices, chosen["status"]),
            choice("kind", "Kind", RunKind.choices, chosen["kind"]),
            choice("agent", "Agent", agents, chosen["agent"]),
            choice("environment", "Environment", Environment.choices, chosen["environment"]),
        ],
        "clear_url": list_url if any(chosen.values()) else "",
        "schedules_url": reverse("schedules:index"),
        "new_run_url": NEW_RUN if _startable(request).exists() else "",
        "events_url": reverse("runs:live"),
        "region_url": request.get_full_path(),
    }


def _startable(request: HttpRequest) -> Any:
    ready = Agent.objects.startable_by(person_of(request)).filter(workspace=workspace_of(request), is_enabled=True)
    return ready.filter(current_version__isnull=False)


class NewRun(forms.Form):
    """A task in free text for one agent."""

    agent: "forms.ModelChoiceField[Agent]" = forms.ModelChoiceField(
        Agent.objects.none(), empty_label=None, to_field_name="id"
    )
    text = forms.CharField(
        label="Task",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "autofocus": True}),
        help_text="In any words and any language, up to 100 kB. Paste the ticket as it came.",
        error_messages={"required": "The task is empty. Say what is to be done."},
    )
    environment = forms.ChoiceField(
        choices=[(one, Environment(one).label) for one in (Environment.LIVE, Environment.SANDBOX)],
        initial=Environment.LIVE,
        required=False,
        help_text="A sandbox run reaches sandbox connections only, and stays in the sandbox.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"].needed = True  # type: ignore[attr-defined]  # it is chosen already

    def clean_environment(self) -> str:
        """Return what was chosen; live where nothing was."""
        return self.cleaned_data["environment"] or Environment.LIVE


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a task, and give it to the agent."""
    startable = _startable(request).order_by("title")
    initial = {"agent": request.GET.get("agent", "")} | _like(request)
    form = NewRun(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["agent"].queryset = startable  # type: ignore[attr-defined]
    status = 200
    if request.method == "POST":
        answer = _start(request, form)
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    key = request.POST.get(FIELD, "")
    context = {"form": form, "agents": startable.exists(), "agents_url": AGENTS, "once_key": key}
    return render(request, "agents/run_new.html", context, status=status)


def _like(request: HttpRequest) -> dict[str, str]:
    """Return agent, text and environment of the run that ``?like=`` names, if this person may see it."""
    try:
        named = UUID(request.GET.get("like", ""))
    except ValueError:
        return {}
    run = runs_of(request).filter(pk=named, kind=RunKind.TASK).first()
    if run is None:
        return {}
    said = str(run.input.get("text", ""))
    return {"agent": str(run.agent_id), "text": said, "environment": run.environment}


def _start(request: HttpRequest, form: NewRun) -> HttpResponse | int:
    """Start the run and return the way to it; where that cannot be, say why in the form and return the status."""
    if not form.is_valid():
        return 422
    agent: Agent = form.cleaned_data["agent"]
    said = {name: form.cleaned_data[name] for name in ("text", "environment")}

    def start() -> str:
        return run_url(start_run(agent_id=agent.id, by=person_of(request), **said).id)

    try:
        led_to = once(request, start)
    except DomainError as error:
        form.add_error("text" if error.http_status in (413, 422) else None, f"{error.message} {error.hint}")
        return error.http_status
    messages.success(request, f"{agent.title} has the task.")
    return redirect(led_to)


@require_safe
@vary_on_headers("HX-Request")
def show(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show one run; a refresh gets the live region alone."""
    run, user = run_or_404(request, run_id), person_of(request)
    again = reverse("runs:retry", args=[run.id]) if retryable_step(run, user) else ""
    page, fork = run_page(request, run, user), fork_state(run, may_control(run, user))
    context = {"page": page, "workflow": workflow_of_run(run), "retry_url": again, "fork": fork, "wish": wish_of(run)}
    return render(request, "agents/run_live.html" if wants_region(request) else "agents/run.html", context)


@require_safe
def session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show a conversation: what was said over several runs, each utterance with its source and trust."""
    mine = runs_of(request).filter(session_id=session_id)
    found = Session.objects.filter(pk=session_id, workspace=workspace_of(request), pk__in=mine.values("session_id"))
    conversation = found.first()
    if conversation is None:
        raise Http404
    said, pager = page_of(request, conversation.messages.order_by("-at", "-id"))
    runs = rows_of(list(mine.select_related("agent").order_by("-id")[:10]), person_of(request))
    context = {"session": conversation, "said": said[::-1], "pager": pager, "runs": runs}
    return render(request, "agents/session.html", context)
