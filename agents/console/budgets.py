"""Budgets of the workspace, its agents and its customers: the list, one with what it holds, setting up, changing.

Only owners see and change them, as in the API. The budget of one run is shown by the run, and extended in the inbox.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from agents.console.found import agents_of
from agents.models import Agent, Step
from agents.operations import set_up_budget
from tools.models import Budget, BudgetScope, Period, Reservation, Unit
from tools.models.budget import amount_text, limit_text, period_end
from tools.operations import change_budget
from tools.operations.budgeting import today
from workspaces.access import check_owner
from workspaces.console.asking import person_of
from workspaces.console.links import run_url
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.once import FIELD, once
from workspaces.console.run_shapes import BudgetRow, HeldRow
from workspaces.errors import DomainError, InvalidInput, NotFound
from workspaces.models import Workspace
from workspaces.tenancy import workspace_of

WHAT = "see and change its budgets"
SCOPES = [one for one in BudgetScope.choices if one[0] != BudgetScope.RUN]


class LimitForm(forms.Form):
    """How much, and whether it holds."""

    limit = forms.DecimalField(max_digits=18, decimal_places=6, min_value=0, help_text="In the budget's own unit.")
    is_enabled = forms.BooleanField(label="It holds", required=False)


class NewBudget(forms.Form):
    """A budget that begins to count now."""

    scope_kind = forms.ChoiceField(label="Whose budget", choices=SCOPES)
    agent: "forms.ModelChoiceField[Agent]" = forms.ModelChoiceField(
        Agent.objects.none(), required=False, empty_label="None", help_text="For the budget of an agent."
    )
    subject_ref = forms.CharField(
        label="Customer",
        max_length=200,
        required=False,
        help_text="For the budget of a customer: the id, as agents find it.",
    )
    unit = forms.CharField(max_length=20, widget=forms.Select(choices=Unit.choices))
    period = forms.ChoiceField(choices=Period.choices, help_text="Days and months are those of UTC.")
    limit = forms.DecimalField(max_digits=18, decimal_places=6, min_value=0)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the budgets, by whose they are."""
    workspace = _owned(request)
    scope = asked(request, "scope")
    rows = _budgets(workspace)
    if scope in BudgetScope.values:
        rows = rows.filter(scope_kind=scope)
    found, pager = page_of(request, rows.order_by("name", "unit", "period", "id"))
    context = {
        "budgets": [_row(budget) for budget in _as_of_today(found)],
        "pager": pager,
        "filters": [choice("scope", "Whose", SCOPES, scope)],
        "clear_url": reverse("budgets:index") if scope else "",
        "new_url": reverse("budgets:new"),
    }
    return render(request, "agents/budgets.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a budget, and set it up."""
    workspace = _owned(request)
    form = NewBudget(request.POST if request.method == "POST" else None)
    form.fields["agent"].queryset = agents_of(request).order_by("title")  # type: ignore[attr-defined]
    status = 200
    if request.method == "POST":
        answer = _sent(request, form, lambda values: _set_up(request, workspace, values))
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    context = {"form": form, "once_key": request.POST.get(FIELD, "")}
    return render(request, "agents/budget_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """Show one budget with what it holds; take a change of it."""
    workspace = _owned(request)
    budget = _budgets(workspace).select_related("workspace").filter(pk=budget_id).first()
    if budget is None:
        raise NotFound("There is no such budget here.")
    form = LimitForm(
        request.POST or None, initial={"limit": amount_text(budget.limit), "is_enabled": budget.is_enabled}
    )
    status = 200
    if request.method == "POST":
        answer = _sent(request, form, lambda values: _change(request, budget, values))
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    held, pager = page_of(request, budget.reservations.order_by("-created_at", "-id"))
    (now,) = _as_of_today([budget])
    context = {
        "budget": _row(now),
        "held": _held(budget, held),
        "pager": pager,
        "form": form,
        "once_key": request.POST.get(FIELD, ""),
        "list_url": reverse("budgets:index"),
    }
    return render(request, "agents/budget.html", context, status=status)


def _owned(request: HttpRequest) -> Workspace:
    workspace = workspace_of(request)
    check_owner(person_of(request), workspace, WHAT)
    return workspace


def _budgets(workspace: Workspace) -> QuerySet[Budget]:
    return Budget.objects.filter(workspace=workspace).exclude(scope_kind=BudgetScope.RUN)


def _sent(request: HttpRequest, form: forms.Form, carry_out: Any) -> HttpResponse | int:
    """Carry out a valid form once and return where it leads; else say in the form what is wrong, and the status."""
    if not form.is_valid():
        return 422
    try:
        return redirect(once(request, lambda: carry_out(form.cleaned_data)))
    except DomainError as error:
        fields = error.fields if isinstance(error, InvalidInput) else {}
        form.add_error(
            next((one for one in fields if one in form.fields), None), f"{error.message} {error.hint}".strip()
        )
        return error.http_status


def _set_up(request: HttpRequest, workspace: Workspace, values: dict[str, Any]) -> str:
    made = set_up_budget(workspace=workspace, by=person_of(request), **values)
    messages.success(request, "The budget counts from now on.")
    return reverse("budgets:show", args=[made.id])


def _change(request: HttpRequest, budget: Budget, values: dict[str, Any]) -> str:
    change_budget(budget=budget, by=person_of(request), limit=values["limit"], is_enabled=values["is_enabled"])
    messages.success(request, "Changed. Runs that wait for it go on by themselves.")
    return reverse("budgets:show", args=[budget.id])


def _as_of_today(budgets: list[Budget]) -> list[Budget]:
    """Show the budgets as they stand today: what an earlier period used is over."""
    day = today()
    for budget in budgets:
        budget.begin_anew(day)
    return budgets


def _row(budget: Budget) -> BudgetRow:
    def text(amount: Decimal) -> str:
        return _text(amount, budget)

    return BudgetRow(
        whose=budget.name,
        scope=budget.get_scope_kind_display(),
        period=budget.get_period_display(),
        limit=text(budget.limit),
        spent=text(budget.spent),
        reserved=text(budget.reserved),
        left=text(budget.limit - budget.spent - budget.reserved),
        exhausted=budget.limit <= budget.spent + budget.reserved,
        holds=budget.is_enabled,
        begins_anew_on=period_end(budget.period, budget.counted_from),
        url=reverse("budgets:show", args=[budget.id]),
    )


def _text(amount: Decimal, budget: Budget) -> str:
    """Return an amount with its unit, its thousands apart."""
    number, _, unit = limit_text(amount, budget.unit).partition(" ")
    return f"{Decimal(number):,f} {unit}"


def _held(budget: Budget, rows: list[Reservation]) -> list[HeldRow]:
    """Return the reservations with the run and step that each is for, in one more statement."""
    steps = Step.objects.filter(pk__in=[row.step_id for row in rows]).select_related("run").in_bulk()
    return [_held_row(budget, row, steps.get(row.step_id)) for row in rows]


def _held_row(budget: Budget, row: Reservation, step: Step | None) -> HeldRow:
    return HeldRow(
        at=row.created_at,
        run=step.run.title if step else "",
        run_url=run_url(step.run_id) if step else "",
        step=step.number if step else None,
        held=_text(row.amount, budget),
        settled=None if row.settled is None else _text(row.settled, budget),
    )
