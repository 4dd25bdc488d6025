"""Going round in circles, by what was asked for and what came of it."""

from typing import Any

import pytest

from agents.engine.circles import _sentence
from agents.models import AgentVersion, Step
from agents.states import StepKind, StepStatus
from tools.models import Action
from tools.states import ActionStatus, Effect


def version(**limits: Any) -> AgentVersion:
    return AgentVersion(**{"repeat_limit": None, "answer_limit": None, "idle_limit": None, **limits})


def turn(*calls: tuple[str, Any], text: str = "", effect: str = Effect.READ, status: str = "") -> list[Step]:
    """One model call and what each ``(argument, result)`` that it called came to."""
    told = [{"id": str(n), "name": "look", "arguments": {"at": at}, "raw": ""} for n, (at, _) in enumerate(calls)]
    steps = [Step(kind=StepKind.MODEL, output={"answer": {"text": text, "calls": told}})]
    for at, got in calls:
        action = Action(status=status or ActionStatus.SUCCEEDED, result=got, effect=effect, explanation=str(got))
        steps.append(Step(kind=StepKind.ACTION, input={"tool": "look", "arguments": {"at": at}}, action=action))
    return steps


def said(steps: list[list[Step]], **limits: Any) -> str:
    return _sentence(version(**limits), [one for turn in steps for one in turn])


def test_same_call_with_the_same_result_is_counted_over_the_whole_run():
    other = turn(("there", 9))
    assert said([turn(("here", 1)), other, turn(("here", 1))], repeat_limit=3) == ""
    found = said([turn(("here", 1)), other, turn(("here", 1)), other, turn(("here", 1))], repeat_limit=3)
    assert found == "look was called 3 times with the same arguments, with the same result each time."


@pytest.mark.parametrize(
    "steps",
    [
        [turn(("job", n)) for n in range(9)],  # asking until it is done
        [turn(("here", 1)) for _ in range(5)] + [turn(("there", 2))],  # it has found a way out
        [turn(("here", 1), ("page", n)) for n in range(9)],  # beside a call that goes on
        [turn(("here", n), status=ActionStatus.ANSWERED) for n in range(9)],  # a person answers each time
    ],
)
def test_what_gets_something_new_is_no_circle(steps):
    assert said(steps, repeat_limit=3, idle_limit=4) == ""


def test_call_that_is_refused_or_cannot_be_made_is_repeated_whatever_the_words():
    refused = [turn(("here", f"at {n}"), status=ActionStatus.DENIED) for n in range(3)]
    assert said(refused, repeat_limit=3).startswith("look was called 3 times")
    skipped = [[*turn(), Step(kind=StepKind.ACTION, status=StepStatus.SKIPPED, input={"tool": "none", "raw": "{"})]] * 3
    assert said(skipped, repeat_limit=3).startswith("none was called 3 times")


def test_same_answer_one_after_the_other():
    answers = [turn(("job", n), text="Not done yet.") for n in range(6)]
    assert said(answers, answer_limit=6) == "The model has given the same answer 6 times, one after the other."
    assert said([*answers[:3], turn(("job", 9), text="Hm."), *answers[3:]], answer_limit=6) == ""


def test_turns_that_bring_nothing_new():
    first = turn(("a", []))
    assert said([first] + [turn((str(n), [])) for n in range(4)], idle_limit=4) == (
        "The last 4 turns have brought nothing new."
    )
    assert said([first] + [turn((str(n), [])) for n in range(3)], idle_limit=4) == ""
    changes = [turn((str(n), {"updated": 1}), effect=Effect.REVERSIBLE) for n in range(9)]
    assert said(changes, idle_limit=4) == ""
    assert said([turn()] * 9, idle_limit=4, repeat_limit=3) == "The last 4 turns have brought nothing new."
    assert said([], idle_limit=4, repeat_limit=3, answer_limit=2) == ""
