"""Asking people whether a run that stands at a limit may go on, and doing what they decided, exactly once."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.engine.claims import WORKER
from agents.engine.clock import BUDGET, over_time
from agents.engine.control import wake
from agents.engine.outcomes import count_down, end_run, wait
from agents.engine.turns import go_on
from agents.models import Run, Step
from agents.states import RunStatus, StepKind, StepStatus
from approvals.models import Decision, Request
from approvals.operations import ask_for_budget
from approvals.states import DecisionKind, RequestKind, RequestStatus
from tools.models import Budget, BudgetScope, Environment, Unit
from tools.models.budget import customer_scope, period_end
from tools.operations import extend_budget
from workspaces.canonical import sanitise
from workspaces.database import ClockTimestamp
from workspaces.transitions import transition

ASKING: Final = Q(kind=StepKind.MODEL) | Q(awaits=BUDGET)
"""A step that waits for people to extend a limit: a model call waits for nothing else."""


def budget_scopes(run: Run) -> list[UUID]:
    """Return whose budgets a run's calls take from: workspace, agent, run, and the customer once that one is known.

    Whom a sandbox knows is no customer.
    """
    if run.session is None or run.environment != Environment.LIVE:
        return run.scopes
    customer = customer_scope(run.workspace_id, run.session.subject_kind, run.session.subject_ref)
    return [*run.scopes, customer]


def limit_reached(run: Run) -> tuple[str, dict[str, Any]] | None:
    """Return the sentence which limit of its own the run has reached, and what evidence says of it; None: none."""
    if run.steps_used >= run.step_limit:
        return f"The run has reached its step limit of {run.step_limit}.", {}
    taken = over_time(run)
    if taken is None or run.time_limit_seconds is None:
        return None
    sentence = f"The run has reached its time limit of {run.time_limit_seconds:,} seconds, without what people took."
    return sentence, {"time": {"limit": run.time_limit_seconds, "used": taken}}


def ask_to_extend(
    step: Step, sentence: str, *, budget: Budget | None = None, about: dict[str, Any] | None = None
) -> None:
    """Let a running step wait, and ask people whether its run may go on.

    ``budget`` is the one used up; ``about`` is what the evidence says of any other limit.
    """
    run = step.run
    named = budget_evidence(budget, run) if budget else {}
    with transaction.atomic():
        wait(step, explanation=f"{sentence} {named.get('who', 'A person can extend it.')}", awaits=BUDGET)
        ask_for_budget(
            workspace_id=run.workspace_id,
            run_id=run.id,
            agent_id=run.agent_id,
            title=f"Extend: {run.title}"[:300],
            evidence=_evidence(run, sentence, named, about or {}),
            causes=run.causes,
            by=WORKER,
        )


def _evidence(run: Run, sentence: str, budget: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Return what people see who decide whether a run goes on."""
    ticket = {
        "text": run.input["text"],
        "source": run.input.get("source", ""),
        "trust": "untrusted",
        "started_by": str(run.started_by_id),
        "at": run.created_at.isoformat(),
    }
    found: dict[str, Any] = sanitise(
        {
            "sentence": sentence,
            **({"budget": budget} if budget else {}),
            **about,
            "run": {
                "id": str(run.id),
                "title": run.title,
                "environment": run.environment,
                "steps": run.steps_used,
                "limit": run.step_limit,
            },
            "agent": {"name": run.agent.name, "title": run.agent.title, "version": run.version.number},
            "ticket": ticket,
            "steps": run.steps_used,
        }
    )
    return found


def budget_evidence(budget: Budget, run: Run) -> dict[str, Any]:
    """Return what a request says of the budget that it is about: whose it is, how far it goes, who may extend it."""
    anew = period_end(budget.period, budget.counted_from)
    own = budget.scope_kind == BudgetScope.RUN
    who = "A person can extend it." if own else f"An owner of {run.workspace.name} can extend it."
    return {
        "id": str(budget.id),
        "name": budget.name,
        "scope": budget.scope_kind,
        "unit": budget.unit,
        "period": budget.period,
        "limit": str(budget.limit),
        "used": str(budget.spent + budget.reserved),
        "begins_anew_at": f"{anew.isoformat()}T00:00:00+00:00" if anew else None,
        "owners_only": not own,
        "who": f"{who} It begins anew on {anew.isoformat()} (UTC)." if anew else who,
    }


def apply_budget_decision(run_id: UUID) -> bool:
    """Carry out the latest closed ``budget`` request of a run whose steps wait for it; say whether it moved."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        steps = list(run.steps.select_for_update().filter(ASKING, status=StepStatus.WAITING).order_by("number"))
        request = Request.objects.filter(run_id=run_id, kind=RequestKind.BUDGET).order_by("-opened_at", "-id").first()
        if not steps or request is None or request.status == RequestStatus.OPEN:
            return False
        if request.status == RequestStatus.APPROVED:
            _extend(run, request)
        if request.status in {RequestStatus.APPROVED, RequestStatus.SUPERSEDED}:
            for step in steps:
                wake(step)
        else:
            for step in steps:
                _stop(run, step, request)
    return True


def _extend(run: Run, request: Request) -> None:
    decision = (
        Decision.objects.filter(request=request, kind=DecisionKind.APPROVE)
        .select_related("user")
        .order_by("-at")
        .first()
    )
    if decision is None:
        raise AssertionError("An approved request has an approving decision.")
    if decision.steps is not None:
        Run.objects.filter(pk=run.pk, step_limit__lt=decision.steps).update(step_limit=decision.steps)
    if decision.seconds is not None:  # what it has taken is counted at its next step
        Run.objects.filter(pk=run.pk, time_limit_seconds__lt=decision.seconds).update(
            time_limit_seconds=decision.seconds, time_up_at=ClockTimestamp()
        )
    if decision.amount is not None:
        named = request.evidence.get("budget")
        ids = Budget.objects.filter(scope_id=run.id, unit=Unit.USD).values_list("id", flat=True)
        for budget_id in [UUID(named["id"])] if named else list(ids):
            extend_budget(budget_id=budget_id, limit=decision.amount, by=decision.user)


def _stop(run: Run, step: Step, request: Request) -> None:
    explanation = f"{step.explanation} It was not extended. {request.explanation}".strip()
    transition(step, StepStatus.FAILED, by=WORKER, explanation=explanation, finished_at=timezone.now())
    if step.node:
        count_down(run)
        go_on(run, step)
    else:
        end_run(run, RunStatus.FAILED, explanation=explanation)
