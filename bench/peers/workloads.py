"""The peers' workloads as workflows: what an agent of ours does where theirs call functions."""

from typing import Any, Final

ADD: Final = "lines.add"
ADD_ASKED: Final = "lines.add_asked"
BEFORE_THE_PAUSE: Final = 9
"""The step number under which the code that stands directly before the pause is counted."""
APPROVED: Final = 10
"""The one under which the approved effect is."""
INPUT: Final[dict[str, Any]] = {"$": "input"}


def computed(*numbers: int, first: dict[str, Any] = INPUT, onward: str | None = None) -> dict[str, Any]:
    """Return calls of the workloads' step, one after the other, each of what the one before gave."""
    nodes: dict[str, Any] = {}
    for place, number in enumerate(numbers):
        given = first if place == 0 else {"$": f"nodes.s{numbers[place - 1]}.output"}
        following = f"s{numbers[place + 1]}" if place + 1 < len(numbers) else onward
        arguments = {"inp": given, "step": number}
        nodes[f"s{number}"] = {
            "kind": "code",
            "function": "bench.step",
            "arguments": arguments,
            "next": following,
        }
    return nodes


def added(tool: str, number: int, onward: str | None) -> dict[str, Any]:
    """Return an action that adds the line of a step."""
    return {"kind": "action", "tool": tool, "arguments": {"run": {"$": "input.run"}, "step": number}, "next": onward}


def asked() -> dict[str, Any]:
    """Return two steps, an action that a person decides on, and two steps."""
    before = computed(1, 2, BEFORE_THE_PAUSE, onward="asked")
    after = computed(3, 4, first={"$": f"nodes.s{BEFORE_THE_PAUSE}.output"})
    nodes = {**before, "asked": added(ADD_ASKED, APPROVED, "s3"), **after}
    return {"start": "s1", "nodes": nodes, "result": {"$": "nodes.s4.output.step"}}


def talked(calls: int) -> dict[str, Any]:
    """Return model calls one after the other, each told what the run was given."""
    nodes: dict[str, Any] = {
        f"m{number}": {"kind": "model", "next": f"m{number + 1}" if number < calls else None}
        for number in range(1, calls + 1)
    }
    return {"start": "m1", "nodes": nodes}


def effects(steps: int) -> dict[str, Any]:
    """Return effects one after the other."""
    nodes = {
        f"e{number}": added(ADD, number, f"e{number + 1}" if number < steps else None) for number in range(1, steps + 1)
    }
    return {"start": "e1", "nodes": nodes}


WORKFLOWS: Final[dict[str, dict[str, Any]]] = {
    "w1": {"start": "s1", "nodes": computed(1, 2, 3, 4, 5), "result": {"$": "nodes.s5.output.step"}},
    "w2": asked(),
    "w3": talked(3),
    "crash": effects(5),
}
