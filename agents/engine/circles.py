"""Whether a run goes round in circles, found from its rows: what it asked for, and what it got.

Three signs, each with a limit of the agent's version: the same call with the same result, the same answer, and turns
that bring nothing new. The model is told first, once; where it goes on so, people are asked. What they let go on is
counted anew from there.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from agents.models import AgentVersion, Step
from agents.states import StepKind
from approvals.models import Request
from approvals.states import RequestKind, RequestStatus
from tools.states import ActionStatus, Effect
from workspaces.canonical import digest

ADVICE: Final = "Do not repeat it: try something else, or end with a summary of what is missing."


@dataclass(frozen=True, slots=True)
class Circle:
    """How the run goes round in circles, in a sentence, and whether its model has been told so before."""

    sentence: str
    told: bool

    @property
    def notice(self) -> str:
        """What the model is told."""
        return f"{self.sentence} {ADVICE}"


@dataclass(slots=True)
class Turn:
    """One model call: the digest of what it answered, and what came of what it called, by digests."""

    answer: str
    calls: list[tuple[str, str]] = field(default_factory=list)
    news: set[str] = field(default_factory=set)
    tool: str = ""


def circle_of(step: Step, steps: list[Step]) -> Circle | None:
    """Return how the run of the model step ``step`` goes round in circles by its finished ``steps``; None: not at all.

    Only where it does are people's answers read: a run that moves costs no statement.
    """
    version = step.run.version
    if not _sentence(version, steps):
        return None
    after = _let_go_on(step)
    counted = [one for one in steps if one.number >= after]
    sentence = _sentence(version, counted)
    told = any((one.output or {}).get("notice") for one in counted)
    return Circle(sentence, told) if sentence else None


def _sentence(version: AgentVersion, steps: list[Step]) -> str:
    turns = list(_turns(steps))
    if not turns:
        return ""
    return _repeats(turns, version.repeat_limit) or _same_answer(turns, version.answer_limit) or _idle(turns, version)


def _turns(steps: list[Step]) -> Iterator[Turn]:
    """Yield the turns that are over, in order; calls before the first model step belong to none."""
    turn: Turn | None = None
    for step in steps:
        if step.kind == StepKind.MODEL:
            if turn is not None:
                yield turn
            answer = (step.output or {}).get("answer")
            turn = Turn(_answer(answer)) if answer else None
        elif turn is not None and step.kind == StepKind.ACTION:
            _add(turn, step)
    if turn is not None:
        yield turn


def _answer(answer: dict[str, Any]) -> str:
    calls = [[call.get("name"), call.get("arguments"), call.get("raw")] for call in answer.get("calls") or []]
    return digest([answer.get("text"), calls])


def _add(turn: Turn, step: Step) -> None:
    """Note a call and what it got: a read is news by what it showed, a change by having been made."""
    turn.tool = str(step.input.get("tool", ""))
    asked = digest([turn.tool, step.input.get("arguments"), step.input.get("raw")])
    action = step.action
    if action is None:
        got = digest([step.status, step.explanation])
    elif action.status == ActionStatus.SUCCEEDED:
        got = digest([action.status, action.result])
    else:
        got = digest([action.status, action.explanation if action.status == ActionStatus.ANSWERED else ""])
    turn.calls.append((asked, got))
    changed = action is not None and action.status == ActionStatus.SUCCEEDED and action.effect != Effect.READ
    turn.news.add(digest([asked, got]) if changed else got)


def _repeats(turns: list[Turn], limit: int | None) -> str:
    """Say so where every call of the last turn was made ``limit`` times, and got the same each time."""
    last = turns[-1]
    if limit is None or not last.calls:
        return ""
    counts = Counter(call for turn in turns for call in turn.calls)
    times = min(counts[call] for call in last.calls)
    if times < limit:
        return ""
    return f"{last.tool} was called {times} times with the same arguments, with the same result each time."


def _same_answer(turns: list[Turn], limit: int | None) -> str:
    if limit is None or len(turns) < limit or len({turn.answer for turn in turns[-limit:]}) > 1:
        return ""
    return f"The model has given the same answer {limit} times, one after the other."


def _idle(turns: list[Turn], version: AgentVersion) -> str:
    """Say so where no call of the last turns got anything that was not known before."""
    limit = version.idle_limit
    if limit is None or len(turns) <= limit:
        return ""
    known = {one for turn in turns[:-limit] for one in turn.news}
    if any(turn.news - known for turn in turns[-limit:]):
        return ""
    return f"The last {limit} turns have brought nothing new."


def _let_go_on(step: Step) -> int:
    """Return the number of the step at which people last let the run go on though it went round in circles."""
    approved = Request.objects.filter(run_id=step.run_id, kind=RequestKind.BUDGET, status=RequestStatus.APPROVED)
    found = approved.filter(evidence__has_key="circle").values_list("evidence__circle__step", flat=True)
    return max(found, default=0)
