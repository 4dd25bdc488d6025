"""Chapters: pauses, a world that moves between approval and execution, and limits."""

from config.demo.story.casting import DESK, FEW_STEPS, SHORT
from config.demo.story.outside import Row
from config.demo.story.report import during, until
from config.demo.story.scene import CHANGE, MAIL, Scene

PAUSED_FOR = 3.0
WHY = "Somebody wants to look first"


def _pause(scene: Scene, kind: str, scope_id: str) -> str:
    body = {"scope_kind": kind, "scope_id": scope_id, "reason": WHY}
    return str(scene.reviewer.done("pauses/", body)["id"])


def _release(scene: Scene, pause_id: str) -> None:
    scene.reviewer.done(f"pauses/{pause_id}/release/")


def world_moved(scene: Scene) -> None:
    """Between approval and execution a colleague changes the row: people see the difference and decide anew."""
    report, customer = scene.report, scene.crm.anybody()
    wanted = scene.crm.other_tier(customer["tier"])
    theirs = scene.crm.other_tier(customer["tier"], wanted)
    run_id = scene.begin(scene.owner, scene.ticket(customer, wanted))
    change = scene.request(run_id, CHANGE)
    desk = next(agent for agent in scene.owner.rows("agents/") if agent["name"] == DESK)
    pause_id = _pause(scene, "agent", desk["id"])
    scene.approve(scene.reviewer, change)
    seen = during(PAUSED_FOR, lambda: scene.crm.tier(customer["id"]))
    report.check("The agent is paused: an approved change does not begin", seen, {customer["tier"]})
    scene.crm.change(customer["id"], "tier", theirs)
    _release(scene, pause_id)

    def moved() -> bool:
        return bool(scene.reviewer.look(f"requests/{change['id']}/")["status"] == "superseded")

    until(moved, "the old request's end")
    again = scene.request(run_id, CHANGE)
    report.check("Released: the CRM row is other than approved, so a person decides anew", again["id"] != change["id"])
    report.find("The new request shows what is there now", theirs, str(again["evidence"]["before"]))
    report.check("... and the difference", bool(again["evidence"]["drift"]))
    report.check("The colleague's change was not overwritten", scene.crm.tier(customer["id"]), theirs)
    scene.decide(scene.finance, again, "reject", reason="The colleague was right.")
    scene.cancel(run_id)
    report.check("Rejected: the colleague's change stays", scene.crm.tier(customer["id"]), theirs)


def follow_up(scene: Scene, first_run: str, customer: Row) -> None:
    """The same customer writes again: the conversation goes on; the run is paused and released."""
    report = scene.report
    wanted = scene.crm.other_tier(scene.crm.tier(customer["id"]))
    run_id = scene.begin(scene.owner, scene.ticket(customer, wanted))
    change = scene.request(run_id, CHANGE)
    session = scene.run(run_id)["session"]
    report.check(
        "A follow-up ticket of the same customer continues the conversation", session, scene.run(first_run)["session"]
    )
    messages = scene.owner.rows(f"sessions/{session}/messages/")
    report.check(
        "The conversation holds both tickets, as untrusted text",
        {first_run, run_id} <= {m["run_id"] for m in messages} and {m["trust"] for m in messages} == {"untrusted"},
    )
    scene.reviewer.press(f"/runs/{run_id}/", to=f"/runs/{run_id}/pause/", filled={"reason": WHY})
    report.check(
        "The run, paused in the console, says why", [one["reason"] for one in scene.run(run_id)["pauses"]], [WHY]
    )
    scene.approve(scene.reviewer, change)
    before = scene.crm.tier(customer["id"])
    report.check(
        "The run is paused: nothing happens", during(PAUSED_FOR, lambda: scene.crm.tier(customer["id"])), {before}
    )
    scene.reviewer.press(f"/runs/{run_id}/", to="/release/")
    scene.action_is(change["action"], "succeeded")
    report.check("Released: the approved change is made", scene.crm.tier(customer["id"]), wanted)
    scene.cancel(run_id)


def whole_workspace(scene: Scene) -> None:
    """The owner stops everything, and lets it go on."""
    report, customer = scene.report, scene.crm.anybody()
    workspace = scene.owner.look("me/")["workspace"]["id"]
    refused = scene.reviewer.post("pauses/", {"scope_kind": "workspace", "scope_id": workspace, "reason": "Stop"})
    report.check("Only an owner stops the whole workspace", refused.status_code, 403)
    made = scene.owner.done("pauses/", {"scope_kind": "workspace", "scope_id": workspace, "reason": "Stop everything"})
    report.check("The owner stops everything, and sees what is in flight", "in_flight" in made)
    run_id = scene.begin(scene.program, scene.ticket(customer, scene.crm.other_tier(customer["tier"])))
    used = during(PAUSED_FOR, lambda: int(scene.run(run_id)["steps_used"]))
    report.check("A run begun meanwhile takes no step", used, {0})
    scene.owner.done(f"pauses/{made['id']}/release/")
    report.check("Released: the run goes on", scene.request(run_id, MAIL)["status"], "open")
    scene.cancel(run_id)


def limits(scene: Scene) -> None:
    """An agent with few steps stops with a reason; a person lets it go on."""
    report, customer = scene.report, scene.crm.anybody()
    run_id = scene.begin(scene.program, scene.ticket(customer, scene.crm.other_tier(customer["tier"])), agent=SHORT)
    asked = scene.request_of_kind(run_id, "budget")
    run = scene.run(run_id)
    report.check("The step limit stops the run", (run["status"], run["steps_used"]), ("waiting", FEW_STEPS))
    report.find("... with a reason in words", str(FEW_STEPS), asked["evidence"]["sentence"])
    refused = scene.decide(scene.owner, asked, steps=FEW_STEPS + 10)
    report.check("Whoever began it may not extend it", refused.status_code, 403)
    scene.answer(scene.reviewer, asked, "budget", {"steps": str(FEW_STEPS + 10)})
    report.check("Extended by a reviewer, it goes on where it stood", scene.request(run_id, CHANGE)["status"], "open")
    report.check("... under its new limit", scene.run(run_id)["step_limit"], FEW_STEPS + 10)
    scene.cancel(run_id)
