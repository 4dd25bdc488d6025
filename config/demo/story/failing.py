"""Chapter: the whole once more, with a model server that fails in the middle; and one that never lets anybody in."""

import os
from collections.abc import Mapping
from itertools import pairwise

from agents.models import Agent
from agents.providers.names import ToolNames
from config.demo.story.casting import UNSTEADY
from config.demo.story.model_server import MODEL, WAIT, Desk, serving
from config.demo.story.scene import Scene
from config.demo.story.whole import whole

FAULTS = ("", "500", "", "429", "", "cut", "", "hang", "")
"""What the server does with one request after the other: each fault is followed by an answer."""
SAID = {
    "500": "The provider failed",
    "429": "rate limit is reached",
    "cut": "ended before the answer was whole",
    "hang": "had not finished its answer",
}


def once_more(scene: Scene) -> None:
    """An error, a rate limit, a cut stream and silence in the middle: nothing is lost and nothing happens twice."""
    with serving(_port(), _effects(scene), list(FAULTS)) as desk:
        run_id = whole(scene, UNSTEADY)
    _told(scene, run_id)
    waited = [after - before for (before, fault), (after, _) in pairwise(desk.asked) if fault == "429"]
    scene.report.check(
        "The rate limit's Retry-After was kept", all(seconds >= WAIT for seconds in waited) and bool(waited)
    )
    scene.report.check("Every fault of the server was met", _met(desk), sorted(SAID))


def _met(desk: Desk) -> list[str]:
    return sorted(fault for _, fault in desk.asked if fault)


def _told(scene: Scene, run_id: str) -> None:
    """Each failed call is on record, with its reason, beside those that were answered."""
    usage = scene.owner.rows(f"runs/{run_id}/usage/")
    failures = [row["explanation"] for row in usage if row["outcome"] != "answered"]
    for fault, words in SAID.items():
        told = " ".join(failures)
        scene.report.find(f"The model server's fault ({fault}) is on record in words", words, told)
    served = {row["model"] for row in usage}
    scene.report.check("All of it by this model", served, {MODEL})


def locked_out(scene: Scene) -> None:
    """A server that refuses the key: asking again would not help, so the run ends at once and says what to do."""
    customer = scene.crm.anybody()
    with serving(_port(), _effects(scene), ["401"] * 20) as desk:
        run_id = scene.begin(
            scene.program, scene.ticket(customer, scene.crm.other_tier(customer["tier"])), agent=UNSTEADY
        )
        run = scene.ended(run_id)
    scene.report.check("A refused key ends the run at once", (run["status"], len(desk.asked)), ("failed", 1))
    scene.report.find("... with a reason that says what to do", "Enter a valid key", run["explanation"])
    seen = (scene.crm.tier(customer["id"]), scene.owner.rows(f"actions/?run={run_id}"))
    scene.report.check("... and nothing has happened", seen, (customer["tier"], []))


def _port() -> int:
    return int(os.environ["DEMO_STORY_PORT"])


def _effects(scene: Scene) -> Mapping[str, str]:
    """Return what the agent's tools do, by their names on the wire."""
    agent = Agent.objects.select_related("current_version").get(workspace=scene.cast.workspace, name=UNSTEADY)
    tools = list(agent.current_version.tools.all()) if agent.current_version else []
    names = ToolNames(tool.name for tool in tools)
    return {names.safe(tool.name): tool.effect for tool in tools}
