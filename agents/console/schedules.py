"""Schedules: the list, one with its times and runs, making one, changing it, and turning it on and off."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.console.found import agents_of, runs_of
from agents.console.rows import rows_of
from agents.console.schedule_rows import schedule_page, schedule_rows, schedules_of
from agents.models import Agent, CatchUp, Overlap, Schedule
from agents.operations import change_schedule, create_schedule
from agents.operations.schedules import may_change
from agents.times import time_zones
from tools.models import Environment
from workspaces.console.asking import person_of
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.once import FIELD, once
from workspaces.errors import DomainError, InvalidInput
from workspaces.tenancy import workspace_of

STATES = [("on", "On"), ("off", "Off")]


class Times(forms.Form):
    """What may change of a schedule."""

    text = forms.CharField(
        label="Task", strip=False, widget=forms.Textarea(attrs={"rows": 6}), help_text="In any words, up to 100 kB."
    )
    cron = forms.CharField(
        label="When",
        max_length=100,
        help_text="Minute, hour, day, month, day of the week: 30 8 * * 1-5 is half past eight on weekdays.",
    )
    time_zone = forms.ChoiceField(choices=lambda: [(zone, zone) for zone in time_zones()], initial="UTC")
    overlap = forms.ChoiceField(
        label="While an earlier run is under way", choices=Overlap.choices, initial=Overlap.SKIP
    )
    catch_up = forms.ChoiceField(
        label="Times that passed meanwhile",
        choices=CatchUp.choices,
        initial=CatchUp.LATEST,
        help_text="For times at which nothing could be started, since the machines stood still.",
    )


class NewSchedule(Times):
    """A schedule that begins with its next time."""

    agent: "forms.ModelChoiceField[Agent]" = forms.ModelChoiceField(
        Agent.objects.none(), empty_label=None, to_field_name="id"
    )
    environment = forms.ChoiceField(
        choices=[(one, Environment(one).label) for one in (Environment.LIVE, Environment.SANDBOX)],
        initial=Environment.LIVE,
        help_text="A sandbox run reaches sandbox connections only.",
    )
    field_order = ["agent", "text", "cron", "time_zone", "overlap", "catch_up", "environment"]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the schedules, newest first."""
    rows, state, named = schedules_of(request), asked(request, "state"), asked(request, "agent")
    if state in dict(STATES):
        rows = rows.filter(is_enabled=state == "on")
    if named:
        rows = rows.filter(agent__name=named)
    found, pager = page_of(request, rows.order_by("-id"))
    agents = agents_of(request).order_by("name").values_list("name", "title")
    context = {
        "schedules": schedule_rows(found),
        "pager": pager,
        "filters": [choice("state", "State", STATES, state), choice("agent", "Agent", agents, named)],
        "clear_url": reverse("schedules:index") if state or named else "",
        "new_url": reverse("schedules:new"),
    }
    return render(request, "agents/schedules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a schedule, and make it."""
    form = NewSchedule(
        request.POST if request.method == "POST" else None, initial={"agent": request.GET.get("agent", "")}
    )
    startable = Agent.objects.startable_by(person_of(request)).filter(workspace=workspace_of(request))
    ready = startable.filter(is_enabled=True, current_version__isnull=False).order_by("title")
    form.fields["agent"].queryset = ready  # type: ignore[attr-defined]
    status = 200
    if request.method == "POST":
        answer = _sent(request, form, lambda values: _create(request, values))
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    context = {"form": form, "agents": ready.exists(), "once_key": request.POST.get(FIELD, "")}
    return render(request, "agents/schedule_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Show one schedule with its next times and its runs; take a change of it."""
    schedule = _schedule(request, schedule_id)
    may = may_change(schedule, person_of(request))
    values = {name: getattr(schedule, name) for name in Times.base_fields}
    form = Times(request.POST if request.method == "POST" else None, initial=values)
    status = 200
    if request.method == "POST":
        answer = _sent(request, form, lambda changes: _change(request, schedule, changes))
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    runs = list(runs_of(request).filter(schedule=schedule).select_related("agent").order_by("-id")[:10])
    context = {
        "page": schedule_page(schedule, may),
        "runs": rows_of(runs, person_of(request)),
        "form": form if may else None,
        "once_key": request.POST.get(FIELD, ""),
    }
    return render(request, "agents/schedule.html", context, status=status)


@require_POST
def switch(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Turn a schedule on or off."""
    schedule, on = _schedule(request, schedule_id), request.POST.get("on") == "1"
    change_schedule(schedule_id=schedule.id, by=person_of(request), is_enabled=on)
    said = "It is on, from its next time." if on else "It is off: nothing more is started. Runs under way go on."
    messages.success(request, said)
    return redirect(reverse("schedules:show", args=[schedule.id]))


def _schedule(request: HttpRequest, schedule_id: UUID) -> Schedule:
    found = schedules_of(request).filter(pk=schedule_id).first()
    if found is None:
        raise Http404
    return found


def _sent(request: HttpRequest, form: forms.Form, carry_out: Any) -> HttpResponse | int:
    """Carry out a valid form once and return where it leads; else say in the form what is wrong, and the status."""
    if not form.is_valid():
        return 422
    try:
        return redirect(once(request, lambda: carry_out(form.cleaned_data)))
    except DomainError as error:
        fields = error.fields if isinstance(error, InvalidInput) else {}
        named = next((one for one in fields if one in form.fields), None)
        form.add_error(named, f"{error.message} {error.hint}".strip())
        return error.http_status


def _create(request: HttpRequest, values: dict[str, Any]) -> str:
    agent: Agent = values.pop("agent")
    made = create_schedule(agent_id=agent.id, by=person_of(request), **values)
    messages.success(request, f"{agent.title} gets the task at these times.")
    return reverse("schedules:show", args=[made.id])


def _change(request: HttpRequest, schedule: Schedule, values: dict[str, Any]) -> str:
    change_schedule(schedule_id=schedule.id, by=person_of(request), **values)
    messages.success(request, "Changed.")
    return reverse("schedules:show", args=[schedule.id])
