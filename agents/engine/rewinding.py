"""Rewinding: a fork repeats the recorded steps of another run up to one of them, and goes on from there by itself.

A step that is repeated is a copy that names the one it copies: what became of that one's action is read there. It is
never carried out again. Only steps of the main thread are repeated: what a ``parallel`` or ``map`` gave is enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.utils import timezone

from agents.effective import calls_of, tools_of
from agents.engine.flow.asking import usable_tools
from agents.engine.flow.model import ask_again
from agents.engine.flow.moving import advance_flow, begin_flow, comes_after
from agents.engine.flow.state import workflow_of
from agents.engine.flow.visiting import KINDS
from agents.engine.turns import add_step, advance, take_answer
from agents.errors import CannotFork
from agents.models import Run, Step
from agents.models.step import RECORDED
from agents.providers.base import ModelAnswer, answer_from_json
from agents.states import STEP_TERMINAL, StepKind, StepStatus
from agents.workflows.nodes import Model
from workspaces.models import User

LEFT_BEHIND: Final = frozenset({"request", "child"})
"""What a step's input names that belongs to the other run."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a person writes into a fork: a message to the agent, and values in place of what steps gave, by number."""

    message: str = ""
    values: Mapping[int, Any] = field(default_factory=dict)


def recorded_steps(run: Run, at: int) -> list[Step]:
    """Return the main thread's steps up to number ``at``; raise :class:`CannotFork` where they cannot be repeated."""
    if at == 0:
        return []
    chosen = run.steps.filter(number=at).first()
    if chosen is None:
        raise CannotFork(f"This run has no step {at}.", "Choose one of the run's steps, or 0 for its beginning.")
    if chosen.thread:
        raise CannotFork(
            f"Step {at} is in a branch that ran beside others.", "Fork at a step before the branches, or after them."
        )
    steps = list(run.steps.filter(thread="", number__lte=at).select_related(*RECORDED).order_by("number"))
    open_step = next((step for step in steps if step.status not in STEP_TERMINAL), None)
    if open_step is not None:
        raise CannotFork(f"Step {open_step.number} is not over.", "Wait for its end, or fork at an earlier step.")
    return steps


def repeat(run: Run, steps: Sequence[Step], written: Written, by: User) -> list[Step]:
    """Give a new run its copies of ``steps``, with what was written in their place."""
    copies = [_copy(run, step, written, by) for step in steps]
    Step.objects.bulk_create(copies)
    return list(run.steps.select_related(*RECORDED).order_by("number"))


def _copy(run: Run, step: Step, written: Written, by: User) -> Step:
    said = {name: value for name, value in step.input.items() if name not in LEFT_BEHIND}
    output = None if step.output is None else {name: one for name, one in step.output.items() if name != "saw"}
    status = step.status
    if step.number in written.values:
        value = written.values[step.number]
        said["edited"] = {"by": str(by.pk), "name": str(by), "value": value}
        output, status = {**(output or {}), "value": value, "trusted": False}, StepStatus.SUCCEEDED
    return Step(
        workspace_id=run.workspace_id,
        run=run,
        copies_id=step.copies_id or step.id,
        status=status,
        input=said,
        output=output,
        scopes=run.scopes,
        **{name: getattr(step, name) for name in ("number", "turn", "kind", "call_id", "explanation", "node", "visit")},
        started_at=step.started_at,
        finished_at=step.finished_at,
    )


def go_on_from(run: Run, copies: Sequence[Step], written: Written, by: User) -> None:
    """Make the steps that come after the repeated ones; raise :class:`CannotFork` where nothing does."""
    if run.version.workflow is not None:
        _go_on_in_flow(run, copies, by)
        return
    asked = next((step for step in reversed(copies) if step.kind == StepKind.MODEL), None)
    done = [
        step for step in copies if asked is not None and step.number > asked.number and step.kind == StepKind.ACTION
    ]
    answer = _answer_of(asked)
    left = answer.calls[len(done) :] if answer is not None else ()
    if asked is not None and answer is not None and left:
        _propose_rest(run, asked, answer, done)
        _say(run, written, by)
        return
    if answer is not None and not answer.calls and not _say(run, written, by):
        raise CannotFork(
            "The run ended with this step: nothing comes after it.", "Write a message to the agent, or fork earlier."
        )
    if answer is None or answer.calls:
        _say(run, written, by)
    run.turn = copies[-1].turn if copies else 0
    advance(run, by=by)


def _say(run: Run, written: Written, by: User) -> bool:
    """Append the message, which is a step of its own; return whether there is one."""
    if not written.message:
        return False
    said = {"said": written.message, "by": str(by.pk), "name": str(by)}
    ended: dict[str, Any] = {"status": StepStatus.SUCCEEDED, "finished_at": timezone.now()}
    add_step(run, kind=StepKind.PERSON, by=by, input=said, **ended)
    return True


def _answer_of(asked: Step | None) -> ModelAnswer | None:
    kept = (asked.output or {}).get("answer") if asked is not None else None
    return None if kept is None else answer_from_json(kept)


def _propose_rest(run: Run, asked: Step, answer: ModelAnswer, done: Sequence[Step]) -> None:
    """Propose those calls of a recorded answer that come after the repeated steps: anew, as actions of this run."""
    run.turn = done[-1].turn - 1 if done else asked.turn
    tools = {tool.name: tool for tool in usable_tools(asked, tools_of(run.version, run.overlay))}
    most = max(0, calls_of(run.version, run.overlay) - len(done))
    take_answer(run, replace(answer, calls=answer.calls[len(done) :]), tools, most, asked)


def _go_on_in_flow(run: Run, copies: Sequence[Step], by: User) -> None:
    if not copies:
        begin_flow(run, by=by)
        return
    last = copies[-1]
    run.turn = last.turn
    try:
        node = workflow_of(run.version_id).node(last.node)
    except LookupError:
        node = None
    fits = node is not None and (KINDS[node.kind] == last.kind or isinstance(node, Model))
    if node is None or not fits:
        raise CannotFork(
            f"Version {run.version.number} has no such node {last.node}.", "Fork at a step of a node that both have."
        )
    if not (isinstance(node, Model) and last.edited is None and _goes_on_within(run, copies, last)):
        if comes_after(last, node) is None:
            raise CannotFork(
                f"Nothing comes after {last.node}.", "Fork at an earlier step, and it is carried out anew."
            )
        advance_flow(run, last, by=by)


def _goes_on_within(run: Run, copies: Sequence[Step], last: Step) -> bool:
    """Go on within the visit to a model node, where it was not over; return whether it was not."""
    visit = [step for step in copies if step.node == last.node and step.visit == last.visit]
    asked = next(step for step in reversed(visit) if step.kind == StepKind.MODEL)
    answer = _answer_of(asked)
    done = [step for step in visit if step.number > asked.number]
    if answer is not None and len(answer.calls) > len(done):
        _propose_rest(run, asked, answer, done)
        return True
    if last.kind == StepKind.ACTION or "misfit" in (last.output or {}):
        ask_again(run, last)
        return True
    return False
