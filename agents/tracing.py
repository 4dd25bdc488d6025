"""Runs and steps as spans, by the names of OpenTelemetry's conventions for generative AI.

Each step's lines in the log bear its ids, whether spans are exported or not.
"""

from collections.abc import Callable
from functools import wraps

from django.db import transaction
from structlog.contextvars import bound_contextvars

from agents.models import Run, Step
from agents.states import RunStatus, StepStatus
from audit import telemetry
from audit.telemetry import Value


def traced_step(perform: Callable[[Step], None]) -> Callable[[Step], None]:
    """Bind the step's ids to all that is logged while it is performed, and make a span of this attempt at it."""

    @wraps(perform)
    def performed(step: Step) -> None:
        ids = {"workspace": step.workspace_id, "run": step.run_id, "step": step.id, "action": step.action_id}
        attempt = step.attempt
        with (
            bound_contextvars(attempt=attempt, **{name: str(value) for name, value in ids.items() if value}),
            telemetry.span(f"step {step.kind}", _of_step(step), run_id=step.run_id, key=f"{step.id}:{attempt}") as span,
        ):
            perform(step)
            span.note(countersign__step__status=step.status)
            if step.status == StepStatus.FAILED:
                span.fail("step_failed")

    return performed


def _of_step(step: Step) -> dict[str, Value]:
    return {
        **_whose(step),
        "countersign.workspace.id": str(step.workspace_id),
        "countersign.run.id": str(step.run_id),
        "countersign.step.id": str(step.id),
        "countersign.step.number": step.number,
        "countersign.step.kind": step.kind,
        "countersign.step.attempt": step.attempt,
        "countersign.action.id": str(step.action_id) if step.action_id else None,
    }


def _whose(step: Step) -> dict[str, Value]:
    """Return agent and conversation, which each span below the step then names; they are looked up for spans alone."""
    if not telemetry.is_on():
        return {}
    agent_id, name, session_id = Run.objects.values_list("agent_id", "agent__name", "session_id").get(pk=step.run_id)
    return {
        "gen_ai.agent.id": str(agent_id),
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": str(session_id) if session_id else None,
    }


def trace_run(run: Run) -> None:
    """Export the run's own span when the transaction that ends it commits."""
    if not telemetry.is_on():
        return
    ended_at = run.finished_at
    if ended_at is None:
        return
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": str(run.agent_id),
        "gen_ai.agent.name": run.agent.name,
        "gen_ai.agent.version": str(run.version.number),
        "gen_ai.conversation.id": str(run.session_id) if run.session_id else None,
        "countersign.workspace.id": str(run.workspace_id),
        "countersign.run.id": str(run.id),
        "countersign.run.kind": run.kind,
        "countersign.run.status": run.status,
    }
    failed = "run_failed" if run.status == RunStatus.FAILED else ""
    name, follows = f"invoke_agent {run.agent.name}", run.rolls_back_id or run.parent_id
    transaction.on_commit(
        lambda: telemetry.run_is_over(
            run.id, name, attributes, began_at=run.created_at, ended_at=ended_at, failed=failed, follows=follows
        )
    )
