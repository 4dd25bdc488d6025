"""Agents, versions, model routes and pauses to set up; runs, steps, endpoints and workers to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from agents import admin_facts, admin_schedules  # noqa: F401 - registers them
from agents.models import (
    Agent,
    AgentGrant,
    AgentVersion,
    EndpointState,
    ModelRoute,
    Overlay,
    Rate,
    Run,
    Standing,
    Step,
    Worker,
)
from agents.operations import (
    create_agent,
    publish_overlay,
    publish_version,
    save_route,
    set_agent_enabled,
    set_up_budget,
    state_rate,
)
from agents.operations.pausing import pause_scope, release_pause
from approvals.models import ReviewQueue
from memory.models import Collection
from tools.models import Budget, BudgetScope, Tool
from tools.operations import change_budget
from workspaces.admin_forms import GrantForm, JsonField, OperationForm, choices_for, owned, person
from workspaces.administration import GrantSetup, OwnWorkspace, Records, Setup, site
from workspaces.models import Pause, User


class ModelRouteForm(OperationForm):
    """Endpoints in the order in which they are asked; API keys stand in the connections that they name."""

    endpoints = JsonField(
        empty=list,
        help_text='Such as [{"provider": "openai-responses", "model": "…", "connection": "openai", "at_once": 20}].',
    )


@admin.register(ModelRoute, site=site)
class ModelRouteAdmin(Setup):
    form = ModelRouteForm
    fixed = ("workspace", "name")
    fields = ("workspace", "name", "endpoints", "max_output_tokens")
    list_display = ("name", "max_output_tokens", "workspace", "updated_at")
    list_select_related = ("workspace",)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        named = {"workspace": before.workspace, "name": before.name} if before is not None else {}
        return save_route(**{**data, **named}, by=by)


@admin.register(EndpointState, site=site)
class EndpointStateAdmin(Records):
    """How the endpoints of routes do that failed once or have limits."""

    list_display = ("model", "provider", "connection", "does", "failures", "quiet_until", "explanation", "workspace")
    list_select_related = ("workspace",)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).standing()  # type: ignore[attr-defined,no-any-return]

    @admin.display(description="state")
    def does(self, row: Any) -> str:
        return str(Standing(row.standing).label)


@admin.register(Agent, site=site)
class AgentAdmin(Setup):
    """An agent takes no tasks until a version of it is published."""

    changeable = False
    list_display = ("name", "title", "current_version", "is_enabled", "workspace")
    list_select_related = ("current_version", "workspace")
    actions = ("enable", "disable")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "name", "title") if obj is None else (*self.list_display, "created_at")

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return create_agent(**data, by=by)

    @admin.action(description="Enable: the agent takes new tasks")
    def enable(self, request: HttpRequest, queryset: "models.QuerySet[Agent]") -> None:
        self._set(request, queryset, enabled=True)

    @admin.action(description="Disable: the agent takes no new tasks; runs under way go on")
    def disable(self, request: HttpRequest, queryset: "models.QuerySet[Agent]") -> None:
        self._set(request, queryset, enabled=False)

    def _set(self, request: HttpRequest, queryset: "models.QuerySet[Agent]", *, enabled: bool) -> None:
        def change(row: Agent) -> None:
            set_agent_enabled(agent=row, enabled=enabled, by=person(request))

        rows = queryset.select_related("workspace")
        self.each(request, rows, change, "enabled." if enabled else "disabled.")


class AgentVersionForm(OperationForm):
    """What a new version is; the tools are chosen among the workspace's own."""

    tools = forms.ModelMultipleChoiceField(Tool.objects.none(), required=False)
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(), required=False, help_text="What its runs may search, as their starters may read it."
    )
    budget_usd = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=6, required=False, help_text="Per run; empty: none."
    )
    subject = JsonField(help_text='Whose conversation: {"kind": "customer", "tool": a reading tool, "field": "id"}.')
    workflow = JsonField(help_text="Its nodes, see docs/workflows.md; empty: it asks the model.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["tools"].queryset = choices_for(self.request, Tool)
        fields["collections"].queryset = choices_for(self.request, Collection)


@admin.register(AgentVersion, site=site)
class AgentVersionAdmin(Setup):
    """Publishing makes a new version; the database refuses to change one."""

    form = AgentVersionForm
    changeable = False
    list_display = ("agent", "number", "route", "step_limit", "budget_usd", "created_by", "created_at")
    list_select_related = ("agent", "route", "created_by")
    published = (
        "agent", "goal", "route", "tools", "collections", "step_limit", "budget_usd", "calls_per_turn",
        "time_limit_seconds", "repeat_limit", "answer_limit", "idle_limit", "subject", "workflow",
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.published if obj is None else (*self.published, "number", "created_by", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs |= {"form": AgentVersionForm} if obj is None else {"form": OperationForm, "fields": []}
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        chosen = {name: list(data[name]) for name in ("tools", "collections")}
        return publish_version(**{**data, **chosen, "workflow": data["workflow"] or None}, by=by)


class OverlayForm(OperationForm):
    """What is different for one customer; empty limits are the version's."""

    removed_tools = forms.ModelMultipleChoiceField(Tool.objects.none(), required=False)
    removed_collections = forms.ModelMultipleChoiceField(Collection.objects.none(), required=False)
    rules = JsonField(empty=list, help_text="Rules besides the policy's, each a deny or a review.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["removed_tools"].queryset = choices_for(self.request, Tool)
        fields["removed_collections"].queryset = choices_for(self.request, Collection)


@admin.register(Overlay, site=site)
class OverlayAdmin(Setup):
    """Publishing makes the next version for the customer; the database refuses to change one."""

    form = OverlayForm
    changeable = False
    list_display = ("agent", "subject_kind", "subject_ref", "number", "created_by", "created_at")
    list_select_related = ("agent", "created_by")
    list_filter = (OwnWorkspace, "agent")
    limits = ("step_limit", "budget_usd", "calls_per_turn")
    published = (
        "agent", "subject_kind", "subject_ref", "prompt", "removed_tools", "removed_collections", *limits, "rules"
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.published if obj is None else (*self.published, "number", "created_by", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = OverlayForm if obj is None else OperationForm
        kwargs["fields"] = ["agent", "subject_kind", "subject_ref", "prompt", *self.limits] if obj is None else []
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        chosen = {name: list(data[name]) for name in ("removed_tools", "removed_collections")}
        return publish_overlay(**{**data, **chosen}, by=by)


class BudgetForm(OperationForm):
    """Whose budget it is: the workspace's, an agent's, or a customer's."""

    scope_kind = forms.ChoiceField(choices=[one for one in BudgetScope.choices if one[0] != BudgetScope.RUN])
    agent = forms.ModelChoiceField(Agent.objects.none(), required=False, help_text="For the budget of an agent.")
    subject_kind = forms.CharField(max_length=40, required=False, initial="customer")
    subject_ref = forms.CharField(max_length=200, required=False, help_text="For a customer: the id that agents find.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "agent" in self.fields:
            own: Any = self.fields["agent"]
            own.queryset = choices_for(self.request, Agent)


@admin.register(Budget, site=site)
class BudgetAdmin(Setup):
    """Limits change; whose it is, its unit and its period do not."""

    form = BudgetForm
    added = ("workspace", "scope_kind", "agent", "subject_kind", "subject_ref", "unit", "period", "limit")
    fixed = ("workspace", "name", "unit", "period", "counted_from", "spent", "reserved")
    list_display = ("name", "unit", "period", "limit", "spent", "reserved", "is_enabled", "workspace")
    list_select_related = ("workspace",)
    list_filter = (OwnWorkspace, "scope_kind", "unit", "period", "is_enabled")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.added if obj is None else (*self.fixed, "limit", "is_enabled")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = BudgetForm if obj is None else OperationForm
        kwargs["fields"] = ["workspace", "unit", "period", "limit"] if obj is None else ["limit", "is_enabled"]
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        if before is not None:
            return change_budget(budget=before, **data, by=by)
        return set_up_budget(**data, by=by)


class RateForm(OperationForm):
    """Whose amount it is: an agent's task, a tool's call, a queue's hour; nobody named: the workspace's hour."""

    agent = forms.ModelChoiceField(Agent.objects.none(), required=False)
    tool = forms.ModelChoiceField(Tool.objects.none(), required=False)
    queue = forms.ModelChoiceField(ReviewQueue.objects.none(), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in (("agent", Agent), ("tool", Tool), ("queue", ReviewQueue)):
            own: Any = self.fields[name]
            own.queryset = choices_for(self.request, model)


@admin.register(Rate, site=site)
class RateAdmin(Setup):
    """Amounts in US dollars. Stated again, the last one holds."""

    form = RateForm
    changeable = False
    list_display = ("name", "kind", "amount", "changed_at", "workspace")
    list_select_related = ("workspace",)
    list_filter = (OwnWorkspace, "kind")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "kind", "agent", "tool", "queue", "amount") if obj is None else self.list_display

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = RateForm if obj is None else OperationForm
        kwargs["fields"] = ["workspace", "kind", "amount"] if obj is None else []
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        values = dict(data)
        named = [values.pop(name) for name in ("agent", "tool", "queue")]
        return state_rate(of=next((one for one in named if one is not None), None), by=by, **values)


@admin.register(AgentGrant, site=site)
class AgentGrantAdmin(GrantSetup):
    form = GrantForm


@admin.register(Pause, site=site)
class PauseAdmin(Setup):
    """Stopping and releasing, whatever the scope."""

    changeable = False
    list_display = ("scope_kind", "scope_id", "reason", "created_by", "created_at", "released_by", "released_at")
    list_select_related = ("created_by", "released_by")
    list_filter = (OwnWorkspace, "scope_kind")
    actions = ("release",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("workspace", "scope_kind", "scope_id", "reason", "allows_repair")
        return added if obj is None else (*self.list_display, "allows_repair")

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return pause_scope(**data, by=by)

    @admin.action(description="Release: work goes on")
    def release(self, request: HttpRequest, queryset: "models.QuerySet[Pause]") -> None:
        rows = queryset.select_related("workspace")
        self.each(request, rows, lambda row: release_pause(pause=row, by=person(request)), "released.")


@admin.register(Run, site=site)
class RunAdmin(Records):
    list_display = ("title", "kind", "status", "agent", "started_by", "steps_used", "created_at", "finished_at")
    list_select_related = ("agent", "started_by")
    list_filter = (OwnWorkspace, "status", "kind")


@admin.register(Step, site=site)
class StepAdmin(Records):
    list_display = ("run_id", "number", "kind", "status", "attempt", "failures", "wake_at", "finished_at")
    list_filter = (OwnWorkspace, "status", "kind")


@admin.register(Worker, site=site)
class WorkerAdmin(Records):
    """Processes belong to the installation; whoever owns a workspace on it may see that they live."""

    list_display = ("name", "started_at", "heartbeat_at", "stopped_at")
    list_filter = ()

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return Worker.objects.all() if owned(request) else Worker.objects.none()
