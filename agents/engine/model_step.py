"""A model step: reserve the worst case, ask one endpoint after the other, record what it cost and what it said."""

import logging
import time
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents.effective import calls_of, tools_of
from agents.engine.conversation import Context, context_for
from agents.engine.flow.asking import usable_tools
from agents.engine.flow.joins import is_left_over
from agents.engine.limits import ask_to_extend, budget_scopes
from agents.engine.outcomes import backoff, end_run, finish, hand_over, lock_run
from agents.engine.turns import go_on, take_answer, usable_calls
from agents.engine.usage import Called, record_usage
from agents.models import Run, Step
from agents.providers import pricing
from agents.providers.base import Endpoint, ModelAnswer, ModelRequest, Stop, answer_to_json
from agents.providers.errors import ModelError, RetryClass
from agents.providers.registry import complete
from agents.routes import endpoints_of
from agents.states import RunStatus, StepStatus
from approvals.errors import NoQueue
from tools.errors import BudgetExhausted, BudgetHeld, PriceUnknown, ToolUnavailable
from tools.models import Budget, Tool
from tools.operations import Need, reserve
from workspaces.database import release_connection
from workspaces.errors import DomainError
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

MAX_MODEL_FAILURES = 8
HELD_LOOK_SECONDS = 2


def perform(step: Step) -> None:
    """Carry out a claimed model step and record its outcome."""
    run = step.run
    if run.steps_used >= run.step_limit:
        _stand_still(step, f"The run has reached its step limit of {run.step_limit}.")
        return
    tools = usable_tools(step, tools_of(run.version, run.overlay))
    context = context_for(run, tools, run.version.route.max_output_tokens, step)
    request = context.request
    try:
        endpoints = endpoints_of(run.version.route)
        steps = _reserve(step, request, endpoints)
    except BudgetHeld as error:
        hand_over(step, seconds=HELD_LOOK_SECONDS, explanation=f"{error.message} {error.hint}")
        return
    except BudgetExhausted as error:
        _stand_still(step, error.message, error.budget)
        return
    except (PriceUnknown, ToolUnavailable) as error:
        _fail(step, [], context, f"{error.message} {error.hint}")
        return
    release_connection()
    reached(Failpoint.MODEL_ASKING)
    calls = _call(endpoints, request)
    try:
        reached(Failpoint.MODEL_ANSWERED)
        if calls and calls[-1].answer is not None:
            _take(step, calls, calls[-1].answer, context, {tool.name: tool for tool in tools}, steps - 1)
        else:
            _no_answer(step, calls, context)
    except Exception:  # also a defect of ours: what was answered has been paid for
        with transaction.atomic():
            record_usage(step, calls)
        raise
    reached(Failpoint.MODEL_RECORDED)


def _stand_still(step: Step, sentence: str, budget: Budget | None = None) -> None:
    """Ask people whether the run may go on; where nobody can be asked, it ends with the sentence."""
    try:
        ask_to_extend(step, sentence, budget)
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


def _call(endpoints: list[Endpoint], request: ModelRequest) -> list[Called]:
    """Ask the endpoints in order until one answers, or until asking another one would not help."""
    called: list[Called] = []
    for endpoint in endpoints:
        begun = time.monotonic()
        answer, failure = None, None
        try:
            answer = complete(endpoint, request)
        except ModelError as error:
            failure = error
        except DomainError as error:
            failure = ModelError(error.message, error.hint)
        except Exception as error:
            log.exception("The adapter for %s failed", endpoint.provider)
            failure = ModelError(f"The model adapter failed ({type(error).__name__}).", may_have_cost=True)
        called.append(Called(endpoint, answer, failure, int((time.monotonic() - begun) * 1000)))
        if failure is None or failure.retry in {RetryClass.GIVE_UP, RetryClass.SHORTEN}:
            break
    return called


def _take(
    step: Step, calls: list[Called], answer: ModelAnswer, context: Context, tools: dict[str, Tool], most: int
) -> None:
    """Record the answer and what follows from it; of its calls, the first ``most`` may become actions."""
    output = {"answer": answer_to_json(answer), "saw": context.saw}
    with transaction.atomic():
        run = lock_run(step)
        going_on = run.cancel_requested_at is None and not is_left_over(step)
        record_usage(step, calls, steps=1 + (len(usable_calls(answer, tools, most)) if going_on else 0))
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


def _no_answer(step: Step, calls: list[Called], context: Context) -> None:
    errors = [called.error for called in calls if called.error is not None]
    said = " ".join(dict.fromkeys(error.message for error in errors)) or "The model route has no endpoint."
    later = [error for error in errors if error.retry == RetryClass.LATER]
    if not later or step.failures + 1 >= MAX_MODEL_FAILURES:
        hint = errors[-1].hint if errors else "Add an endpoint to the model route."
        _fail(step, calls, context, f"{said} {hint}")
        return
    seconds = max(min(error.retry_after or 0 for error in later), backoff(step.failures))
    with transaction.atomic():
        lock_run(step)
        record_usage(step, calls)
        hand_over(step, seconds=seconds, failed=True, explanation=f"{said} It is tried again.")


def _fail(step: Step, calls: list[Called], context: Context | None, explanation: str) -> None:
    with transaction.atomic():
        run = lock_run(step)
        record_usage(step, calls, steps=1)
        _end_failed(run, step, {"saw": context.saw} if context else None, explanation)
