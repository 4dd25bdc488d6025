"""Every touch of the outside world as a span, by the names of OpenTelemetry's conventions for generative AI."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from audit.telemetry import Span, Value, span
from tools.models import Action
from tools.states import AttemptKind, AttemptOutcome

CarryOut = Callable[[Any, Any, Action], Any]
Ask = Callable[[Any, Action, AttemptKind], Any]


def span_name(action: Action, kind: AttemptKind) -> str:
    """Return the name of the span of one attempt; looking is told from doing."""
    return f"execute_tool {action.tool.name}" if kind == AttemptKind.EXECUTE else f"{kind} {action.tool.name}"


def attributes_of(action: Action, kind: AttemptKind) -> dict[str, Value]:
    """Return what is known of an attempt before it begins; no argument's value is among it."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": action.tool.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": str(action.id),
        "gen_ai.agent.id": str(action.agent_id),
        "countersign.workspace.id": str(action.workspace_id),
        "countersign.run.id": str(action.run_id),
        "countersign.step.id": str(action.step_id),
        "countersign.action.id": str(action.id),
        "countersign.action.effect": action.effect,
        "countersign.attempt.kind": str(kind),
    }


def traced_execution(carry_out: CarryOut) -> CarryOut:
    """Make a span of each execution: its outcome, and what was sent and answered as content."""

    @wraps(carry_out)
    def carried_out(operation: Any, target: Any, action: Action) -> Any:
        with _span(action, AttemptKind.EXECUTE) as span:
            span.content("gen_ai.tool.call.arguments", lambda: action.arguments)
            ending = carry_out(operation, target, action)
            span.note(countersign__attempt__number=action.attempt, countersign__attempt__outcome=str(ending.outcome))
            if ending.outcome != AttemptOutcome.DONE:
                span.fail(str(ending.outcome))
            elif ending.done is not None:
                span.content("gen_ai.tool.call.result", lambda: ending.done.result)
        return ending

    return carried_out


def traced_look(ask: Ask) -> Ask:
    """Make a span of each observation; what was seen is content."""

    @wraps(ask)
    def asked(call: Any, action: Action, kind: AttemptKind) -> Any:
        with _span(action, kind) as span:
            seen = ask(call, action, kind)
            span.content("gen_ai.tool.call.result", lambda: seen)
        return seen

    return asked


def _span(action: Action, kind: AttemptKind) -> AbstractContextManager[Span]:
    return span(span_name(action, kind), attributes_of(action, kind), run_id=action.run_id, calls_out=True)
