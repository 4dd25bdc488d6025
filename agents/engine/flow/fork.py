"""``parallel`` and ``map`` nodes: several threads at once, joined again. A waiting fork holds nothing but its row."""

from typing import Any, Final

from django.db import transaction

from agents.engine.flow.around import Given
from agents.engine.flow.joins import THREADS, begin_thread, prefix_of
from agents.engine.flow.places import Place, of_node
from agents.engine.flow.results import result_of
from agents.engine.flow.timing import sleep
from agents.engine.outcomes import lock_run
from agents.models import Step
from agents.signals import tell_of_work
from agents.states import StepStatus
from agents.workflows.graph import Map, Parallel
from agents.workflows.values import Failed

MAX_ITEMS: Final = 10_000
HELPERS: Final = 8
"""Workers that are told of a fork at once; more join by the sweep."""


@of_node
def perform(place: Place) -> Given | None:
    """Begin the threads, or give what they gave."""
    if "threads" in place.step.input:
        return _joined(place)
    if isinstance(place.node, Map):
        items, trusted = place.resolve(place.node.over)
        if not isinstance(items, list) or len(items) > MAX_ITEMS:
            raise Failed(f"A map goes over a list of at most {MAX_ITEMS:,} items.")
        return _begin(place, [str(at) for at in range(len(items))], {"given": {"items": items}, "trusted": trusted})
    return _begin(place, list(place.node.branches), {"trusted": True})


def _begin(place: Place, keys: list[str], kept: dict[str, Any]) -> Given | None:
    if not keys:
        return Given([], kept["trusted"])
    if place.node.needed(len(keys)) > len(keys):
        raise Failed(f"{place.node.needed(len(keys))} have to succeed, and there are only {len(keys)}.")
    first = keys[: place.node.at_once] if isinstance(place.node, Map) else keys
    with transaction.atomic():
        run = lock_run(place.step)
        for key in first:
            begin_thread(run, place.workflow, place.step, key)
        told = f"It waits for its {len(keys)} {'items' if isinstance(place.node, Map) else 'branches'}."
        sleep(place.step, None, explanation=told, awaits=THREADS, kept={"threads": len(keys), **kept})
        tell_of_work(run.id, times=min(len(first) - 1, HELPERS))
    return None


def _joined(place: Place) -> Given:
    """Give what each thread gave and how it ended; raise ``Failed`` where too few succeeded."""
    ends = {key: _end_of(place, step) for key, step in _last_steps(place.step).items()}
    trusted = bool(place.step.input["trusted"]) and all(trust for _, trust in ends.values())
    succeeded = sum(end["status"] == StepStatus.SUCCEEDED for end, _ in ends.values())
    total = place.step.input["threads"]
    enough = place.node.needed(total) if place.node.on_partial == "fail" else min(1, total)
    if succeeded < enough:
        raise Failed(_why(ends, succeeded, total))
    if isinstance(place.node, Parallel):
        return Given({key: ends[key][0] for key in place.node.branches if key in ends}, trusted)
    return Given([ends[str(at)][0] if str(at) in ends else NOT_BEGUN for at in range(total)], trusted)


NOT_BEGUN: Final = {"status": str(StepStatus.CANCELLED), "output": None, "error": ""}


def _why(ends: dict[str, tuple[dict[str, Any], bool]], succeeded: int, total: int) -> str:
    failed = [f"{key}: {end['error']}" for key, (end, _) in ends.items() if end["status"] == StepStatus.FAILED]
    return f"{succeeded} of {total} succeeded, which is not enough. {' '.join(failed[:3])}".strip()


def _last_steps(fork: Step) -> dict[str, Step]:
    """Return the last step of each thread that has begun, by its key."""
    inner = fork.inner_steps.select_related("action__tool").order_by("number")
    return {step.thread.removeprefix(prefix_of(fork)): step for step in inner}


def _end_of(place: Place, step: Step) -> tuple[dict[str, Any], bool]:
    """Return how a thread ended whose last step this is, and whether what it gave may be trusted."""
    if step.status != StepStatus.SUCCEEDED:
        return {"status": step.status, "output": None, "error": f"{step.node}: {step.explanation}"}, False
    key = step.thread.removeprefix(prefix_of(place.step))
    try:
        value, trusted = result_of(place.run, place.node.flow_of(key), step)
    except Failed as error:
        return {"status": str(StepStatus.FAILED), "output": None, "error": str(error)}, False
    return {"status": step.status, "output": value, "error": ""}, trusted
