"""A model step: reserve the worst case, ask one endpoint after the other, record what it cost and what it said."""

from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from agents.effective import calls_of, tools_of
from agents.engine.asking import Asked, ask
from agents.engine.circles import circle_of
from agents.engine.conversation import Context, context_for
from agents.engine.endpoints import wait_for_turn
from agents.engine.flow.asking import usable_tools
from agents.engine.flow.joins import is_left_over
from agents.engine.limits import ask_to_extend, budget_scopes, limit_reached
from agents.engine.outcomes import backoff, end_run, finish, hand_over, lock_run
from agents.engine.turns import go_on, take_answer, usable_calls
from agents.engine.usage import Called, record_usage
from agents.models import Run, Step
from agents.providers import pricing
from agents.providers.base import Endpoint, ModelAnswer, ModelRequest, Stop, answer_to_json
from agents.providers.errors import RetryClass
from agents.routes import endpoints_of
from agents.states import RunStatus, StepStatus
from approvals.errors import NoQueue
from tools.errors import BudgetExhausted, BudgetHeld, PriceUnknown, ToolUnavailable
from tools.models import Tool
from tools.operations import Need, reserve
from workspaces.failpoints import Failpoint, reached

MAX_MODEL_FAILURES = 8
HELD_LOOK_SECONDS = 2
HELD: Final = {"held": "budget"}


def perform(step: Step) -> None:
    """Carry out a claimed model step and record its outcome."""
    run = step.run
    limit = limit_reached(run)
    if limit is not None:
        _stand_still(step, limit[0], about=limit[1])
        return
    tools = usable_tools(step, tools_of(run.version, run.overlay))
    context = context_for(run, tools, run.version.route.max_output_tokens, step)
    circle = circle_of(step, context.steps)
    if circle is not None and circle.told:
        _stand_still(step, circle.sentence, about={"circle": {"step": step.number}})
        return
    if circle is not None:
        context = context.with_notice(step, circle.notice)
    _ask(step, tools, context, {"notice": circle.notice} if circle is not None else {})


def _ask(step: Step, tools: list[Tool], context: Context, kept: dict[str, Any]) -> None:
    """Ask the route's endpoints within the budgets, and record what came of it; ``kept`` stays with an answer."""
    run, request = step.run, context.request
    try:
        endpoints = endpoints_of(run.version.route)
        steps = _reserve(step, request, endpoints)
    except BudgetHeld as error:
        hand_over(step, seconds=HELD_LOOK_SECONDS, explanation=f"{error.message} {error.hint}", output=HELD)
        return
    except BudgetExhausted as error:
        _stand_still(step, error.message, budget=error.budget)
        return
    except (PriceUnknown, ToolUnavailable) as error:
        _fail(step, [], context, f"{error.message} {error.hint}")
        return
    asked = ask(step, endpoints, request)
    try:
        reached(Failpoint.MODEL_ANSWERED)
        if asked.answer is not None:
            output = {"answer": answer_to_json(asked.answer), "saw": context.saw, **asked.kept(), **kept}
            _take(step, asked, asked.answer, output, {tool.name: tool for tool in tools}, steps - 1)
        else:
            _no_answer(step, asked, context)
    except Exception:  # also a defect of ours: what was answered has been paid for
        with transaction.atomic():
            record_usage(step, asked.calls)
        raise
    reached(Failpoint.MODEL_RECORDED)


def _stand_still(step: Step, sentence: str, **named: Any) -> None:
    """Ask people whether the run may go on; where nobody can be asked, it ends with the sentence."""
    try:
        ask_to_extend(step, sentence, **named)
    except NoQueue as nobody:
        step.refresh_from_db()  # the wait was rolled back, which its row in memory does not know
        _fail(step, [], None, f"{sentence} {nobody.message} {nobody.hint}")


def _reserve(step: Step, request: ModelRequest, endpoints: list[Endpoint]) -> int:
    """Hold the worst cases of all endpoints together; return how many steps it may become with its actions."""
    run = step.run
    now = timezone.now()
    cases = [pricing.worst_case(request, provider=e.provider, model=e.model, at=now) for e in endpoints]
    known = [case for case in cases if case is not None]
    need = Need(
        money=sum(known, Decimal(0)) if len(known) == len(cases) else None,
        tokens=sum(pricing.most_tokens(request, provider=e.provider) for e in endpoints),
        steps=1 + (calls_of(run.version, run.overlay) if request.tools else 0),
        least_steps=2 if request.tools else 1,
    )
    scopes = budget_scopes(run)
    return reserve(workspace_id=run.workspace_id, scopes=scopes, need=need, step_id=step.id, attempt=step.attempt)


def _take(
    step: Step, asked: Asked, answer: ModelAnswer, output: dict[str, Any], tools: dict[str, Tool], most: int
) -> None:
    """Record the answer and what follows from it; of its calls, the first ``most`` may become actions."""
    with transaction.atomic():
        run = lock_run(step)
        going_on = run.cancel_requested_at is None and not is_left_over(step)
        record_usage(step, asked.calls, steps=1 + (len(usable_calls(answer, tools, most)) if going_on else 0))
        if answer.stop in {Stop.REFUSAL, Stop.LENGTH} and not answer.calls:
            sentence = (
                "The model refused the task." if answer.stop == Stop.REFUSAL else "The model's answer was cut off."
            )
            _end_failed(run, step, output, f"{sentence} {answer.text[:500]}".strip(), sentence)
            return
        if step.node and going_on and not answer.calls:
            from agents.engine.flow.model import end_node

            end_node(run, step, answer, output)
            return
        finish(run, step, StepStatus.SUCCEEDED, output=output)
        if going_on:
            take_answer(run, answer, tools, most, step)
        else:
            go_on(run, step)


def _end_failed(run: Run, step: Step, output: dict[str, Any] | None, explanation: str, of_step: str = "") -> None:
    """End the step as failed, and with it the run; in a workflow the node fails, which may have a way of its own."""
    if step.node:
        finish(run, step, StepStatus.FAILED, output={**(output or {}), "trusted": False}, explanation=explanation)
        go_on(run, step)
    else:
        finish(run, step, StepStatus.FAILED, output=output, explanation=of_step or explanation)
        end_run(run, RunStatus.FAILED, explanation=explanation)


def _no_answer(step: Step, asked: Asked, context: Context) -> None:
    """Try again later where time may help: an endpoint asked for it, or could not be called now."""
    errors, calls = asked.errors, asked.calls
    said = [error.message for error in errors] + [refused.sentence for refused in asked.refused]
    told = " ".join(dict.fromkeys(said)) or "The model route has no endpoint."
    later = [error for error in errors if error.retry == RetryClass.LATER]
    if asked.is_hopeless or not (later or asked.refused) or (calls and step.failures + 1 >= MAX_MODEL_FAILURES):
        hint = errors[-1].hint if errors else "Add an endpoint to the model route."
        _fail(step, calls, context, f"{told} {hint}")
        return
    waits = [error.retry_after or 0 for error in later]
    if asked.refused:
        waits.append(wait_for_turn(step, min(asked.refused, key=lambda refused: refused.until)))
    seconds = max(min(waits), backoff(step.failures) if calls else 0)
    told = told if asked.refused else f"{told} It is tried again."
    with transaction.atomic():
        lock_run(step)
        record_usage(step, calls)
        hand_over(step, seconds=seconds, failed=bool(calls), explanation=told, output=asked.kept())


def _fail(step: Step, calls: list[Called], context: Context | None, explanation: str) -> None:
    with transaction.atomic():
        run = lock_run(step)
        record_usage(step, calls, steps=1)
        _end_failed(run, step, {"saw": context.saw} if context else None, explanation)
