"""How a run goes on: which steps come next when the current turn is over.

Two strategies share the engine. A *task* alternates model calls with the actions that they proposed, until the model
calls nothing. A *rollback* works through its confirmed plan, one compensation a turn.
"""

from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from agents.engine.claims import WORKER
from agents.engine.outcomes import end_run
from agents.engine.sources import sources_of
from agents.engine.stating import take_statement
from agents.models import Run, Step
from agents.providers.base import ModelAnswer, ToolCall
from agents.states import RunKind, RunStatus, StepKind, StepStatus
from audit.ledger.recording import record
from memory.models import MessageRole, Trust
from memory.operations import append_message
from tools.models import Tool
from tools.operations.proposing import leaf_json, propose
from tools.provenance import Source, trace
from tools.schemas import declared_names
from workspaces.actors import Actor, actor_text
from workspaces.errors import TooLarge
from workspaces.ids import uuid7


def add_step(run: Run, *, kind: StepKind, by: Actor, **fields: Any) -> Step:
    """Append a step to the run, with its ledger event; call with the run locked."""
    last = run.steps.aggregate(last=Max("number"))["last"] or 0
    values: dict[str, Any] = {"status": StepStatus.READY, "id": uuid7(), **fields}
    step = Step.objects.create(
        workspace_id=run.workspace_id,
        run=run,
        number=last + 1,
        turn=run.turn,
        kind=kind,
        scopes=run.scopes,
        is_repair=run.is_repair,
        priority=run.priority,
        **values,
    )
    record(
        workspace_id=run.workspace_id,
        actor=actor_text(by),
        verb=f"step.{step.status}",
        subject=("step", step.id),
        body={"run": str(run.id), "number": step.number, "kind": str(kind)},
    )
    return step


def begin_turn(run: Run, steps: int, asked: Step | None = None) -> None:
    """Count a new turn with ``steps`` open steps; in a workflow, after the model step ``asked``, so many more."""
    run.turn += 1
    run.open_steps = steps + (run.open_steps if asked is not None and asked.node else 0)
    steps = run.open_steps
    Run.objects.filter(pk=run.pk).update(turn=run.turn, open_steps=steps)


def advance(run: Run, *, by: Actor = WORKER) -> None:
    """Move a run whose turn is over: the next model call, the next compensation, or its end."""
    if run.cancel_requested_at is not None:
        end_run(run, RunStatus.CANCELLED, explanation="It was cancelled.", by=by)
    elif run.kind == RunKind.ROLLBACK:
        from agents.engine.repair import conclude_rollback, next_compensation

        if not next_compensation(run):
            conclude_rollback(run)
    else:
        begin_turn(run, 1)
        add_step(run, kind=StepKind.MODEL, by=by)


def go_on(run: Run, step: Step) -> None:
    """Move the run on after a step that is over, in the transaction that ended it, with the run locked."""
    if step.node:
        from agents.engine.flow.moving import advance_flow

        advance_flow(run, step)
    elif run.open_steps == 0:
        advance(run)


def usable_calls(answer: ModelAnswer, tools: dict[str, Tool], most: int) -> list[ToolCall]:
    """Return those of the first ``most`` calls that can become actions."""
    accepted = answer.calls[:most]
    return [call for call in accepted if call.arguments is not None and not call.problem and call.name in tools]


def take_answer(run: Run, answer: ModelAnswer, tools: dict[str, Tool], most: int, asked: Step | None = None) -> None:
    """Turn a model's answer into steps and actions, at most ``most``, or into the end of the run, which is locked.

    ``asked`` is the step that asked, in whose place of a workflow they stand.
    """
    if not answer.calls:
        conclude(run, answer)
        return
    accepted = answer.calls[:most]
    usable = usable_calls(answer, tools, most)
    begin_turn(run, len(usable), asked)
    sources = sources_of(run, asked)
    where = _place_of(asked)
    for position, call in enumerate(answer.calls):
        if position >= len(accepted):
            _skip(run, call, f"Only {len(accepted)} calls are taken in one turn. Propose the others afterwards.", where)
        elif call.arguments is None or call.problem or call.name not in tools:
            _skip(run, call, call.problem or f"There is no tool {call.name!r} for this agent.", where)
        else:
            _propose(run, call, tools[call.name], sources, where)
    if not usable:
        _ask_anew(run, asked)


def _place_of(asked: Step | None) -> dict[str, Any]:
    if asked is None or not asked.node:
        return {}
    return {"node": asked.node, "thread": asked.thread, "visit": asked.visit, "parent_id": asked.parent_id}


def _ask_anew(run: Run, asked: Step | None) -> None:
    if asked is not None and asked.node:
        from agents.engine.flow.model import ask_again

        ask_again(run, asked)
    else:
        advance(run)


def _skip(run: Run, call: ToolCall, explanation: str, where: dict[str, Any]) -> None:
    add_step(
        run,
        kind=StepKind.ACTION,
        by=WORKER,
        status=StepStatus.SKIPPED,
        call_id=call.id,
        input={"tool": call.name, "raw": call.raw[:10_000]},
        explanation=explanation,
        finished_at=timezone.now(),
        **where,
    )


def _propose(run: Run, call: ToolCall, tool: Tool, sources: list[Source], where: dict[str, Any]) -> None:
    arguments, stated = take_statement(tool, call.arguments or {})
    step_id: UUID = uuid7()
    action = propose(
        tool=tool,
        arguments=arguments,
        step_id=step_id,
        run_id=run.id,
        agent_id=run.agent_id,
        agent_version_id=run.version_id,
        environment=run.environment,
        causes=run.causes,
        scopes=run.scopes,
        provenance=_provenance(arguments, tool, sources),
        untrusted_influence=any(not source.vouches for source in sources),
        by=WORKER,
    )
    add_step(
        run,
        kind=StepKind.ACTION,
        by=WORKER,
        id=step_id,
        action=action,
        call_id=call.id,
        input={"tool": tool.name, "arguments": arguments, **({} if stated is None else {"confidence": stated})},
        **where,
    )


def _provenance(arguments: dict[str, Any], tool: Tool, sources: list[Source]) -> list[dict[str, Any]]:
    """Trace every leaf; arguments too large to be traced count as made up (and break the tool's schema anyway)."""
    try:
        leaves = trace(arguments, sources, names=declared_names(tool.input_schema))
    except TooLarge as error:
        return [{"path": "", "value": error.message, "sources": [], "trusted": False, "coincidence": False}]
    return [leaf_json(leaf) for leaf in leaves]


def conclude(run: Run, answer: ModelAnswer) -> None:
    """End the task with the model's last words, and leave them in the conversation."""
    leave_words(run, answer.text)
    end_run(run, RunStatus.SUCCEEDED, outcome={"text": answer.text, "model": answer.model})


def leave_words(run: Run, text: str) -> None:
    """Leave a run's last words in the conversation that it belongs to."""
    if run.session is not None:
        append_message(
            session=run.session,
            run_id=run.id,
            role=MessageRole.AGENT,
            source="outcome",
            trust=Trust.UNTRUSTED,
            text=text,
            by=WORKER,
        )
