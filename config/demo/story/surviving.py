"""Chapters: a mail server that breaks off, and a worker that is killed in the middle."""

import os
import signal
from typing import Any

from agents.engine.workers import living_workers
from config.demo.story.casting import UNLUCKY
from config.demo.story.outside import BreakingMailServer
from config.demo.story.report import NotSeen, during, until
from config.demo.story.scene import CHANGE, MAIL, Scene

TEMPTING = 4.0
TAKEOVER = 45.0


def in_doubt(scene: Scene) -> None:
    """The mail server takes the message and breaks off: nobody knows, nothing is tried again, a person settles it."""
    customer = scene.crm.anybody()
    with BreakingMailServer(int(os.environ["DEMO_STORY_PORT"])) as server:
        text = scene.ticket(customer, scene.crm.other_tier(customer["tier"]))
        run_id = scene.begin(scene.owner, text, agent=UNLUCKY)
        mail = scene.request(run_id, MAIL)
        scene.approve(scene.reviewer, mail)
        _settled(scene, mail, customer["email"], server)
    scene.cancel(run_id)


def _settled(scene: Scene, mail: dict[str, Any], address: str, server: BreakingMailServer) -> None:
    """See the settle request with its evidence, that nothing is tried again, and the settlement."""
    report = scene.report
    asked = scene.request_of_kind(mail["run_id"], "settle")
    report.check(
        "The mail server breaks off after the message: the action is in doubt",
        scene.action(mail["action"])["status"],
        "in_doubt",
    )
    report.check("The settle request shows what was found out", bool(asked["evidence"]["probe"]["sentence"]))
    report.find("... and the message's recipient", address, str(asked["evidence"]["probe"]))
    report.check("It is not tried again", during(TEMPTING, lambda: len(server.taken)), {1})
    empty = scene.decide(scene.reviewer, asked)
    report.check(
        "Settling needs an answer: did it happen?",
        (empty.status_code, list(empty.json()["errors"])),
        (422, ["settlement"]),
    )
    scene.answer(scene.finance, asked, "settle", {"reason": "It is in the server's log."}, settlement="happened")
    report.check(
        "A person settles it in the console: it happened",
        scene.action_is(mail["action"], "succeeded")["status"],
        "succeeded",
    )
    report.check(
        "The message was sent once",
        (server.taken, during(1.0, lambda: len(server.taken))),
        ([address], {1}),
    )


def killed_worker(scene: Scene) -> None:
    """The worker is killed while it changes the CRM: another one finds out, makes the change once, ends the run."""
    report, customer = scene.report, scene.crm.anybody()
    wanted = scene.crm.other_tier(customer["tier"])
    run_id = scene.begin(scene.program, scene.ticket(customer, wanted))
    change = scene.request(run_id, CHANGE)
    mail = scene.request(run_id, MAIL)
    old = _worker()
    with scene.crm.locked(customer["id"]):
        scene.approve(scene.reviewer, change)
        until(scene.crm.waiting, "a change that waits for the row")
        os.kill(old, signal.SIGKILL)
        report.check(
            "The worker is killed while its change is under way", scene.action(change["action"])["status"], "executing"
        )
    until(lambda: _other_than(old), "a new worker", seconds=TAKEOVER)
    report.check("The supervisor starts another one", True)
    until(lambda: scene.action(change["action"])["status"] == "succeeded", "the end of the change", seconds=TAKEOVER)
    done = scene.action(change["action"])
    outcomes = [(one["kind"], one["outcome"]) for one in done["attempts"] if one["kind"] in {"execute", "probe"}]
    report.check(
        "It is proven that nothing had happened before it is done",
        [kind for kind, _ in outcomes],
        ["execute", "probe", "execute"],
    )
    report.check("The change was made", scene.crm.tier(customer["id"]), wanted)
    scene.approve(scene.finance, mail)
    ended = scene.ended(run_id)
    report.check("The run is finished", (ended["status"], len(scene.inbox.to(customer["email"]))), ("succeeded", 1))


def _worker() -> int:
    """Return the process number of the one worker of the demo."""
    names = [worker.name for worker in living_workers()]
    if len(names) != 1:
        raise NotSeen(f"One worker was expected, not {names}.")
    return int(names[0].rsplit(":", 1)[1])


def _other_than(old: int) -> bool:
    return any(not worker.name.endswith(f":{old}") for worker in living_workers())
