"""Chapters: rolling back what can be, and saying what cannot."""

from typing import Any

from config.demo.story.outside import Row
from config.demo.story.scene import CHANGE, MAIL, Scene


def rolled_back(scene: Scene, run_id: str, customer: Row) -> None:
    """Preview, confirm, gated compensation, read-back; the mail stays sent, and the preview says so."""
    report, mails = scene.report, len(scene.inbox.to(customer["email"]))
    changed = scene.crm.tier(customer["id"])
    page = scene.reviewer.press(f"/runs/{run_id}/", to="/rollbacks/")
    preview = scene.run(page.rstrip("/").rsplit("/", 1)[-1])
    verdicts = {item["effect"]: item["verdict"] for item in preview["plan"]}
    report.check(
        "The preview: the change can be restored, the mail cannot", verdicts, {CHANGE: "restore", MAIL: "impossible"}
    )
    report.check("A preview changes nothing", scene.crm.tier(customer["id"]), changed)
    other = scene.reviewer.post(f"runs/{preview['id']}/confirm/", {"plan_digest": "0" * 64})
    report.check("Another plan than the one that was read is refused", other.status_code, 409)
    scene.reviewer.press(page, to="/confirm/", digest=preview["plan_digest"])
    ended = scene.ended(preview["id"])
    report.check("Confirmed: the rollback run succeeds", (ended["kind"], ended["status"]), ("rollback", "succeeded"))
    report.check("The CRM is as it was before the run", scene.crm.tier(customer["id"]), customer["tier"])
    _told(scene, run_id, ended)
    report.check("No mail was sent by it", len(scene.inbox.to(customer["email"])), mails)


def _told(scene: Scene, run_id: str, ended: dict[str, Any]) -> None:
    """Compare what the rollback reports, what it did, and what a second look finds."""
    report = scene.report
    fates = {item["effect"]: item["now"] for item in ended["outcome"]["items"]}
    report.check(
        "The report tells from read-backs what was restored and what not",
        fates,
        {CHANGE: "restored", MAIL: "impossible"},
    )
    undo = scene.owner.rows(f"actions/?run={ended['id']}")
    report.check(
        "The compensation is an action that passed the gate",
        [bool(scene.action(one["id"])["verdicts"]) for one in undo],
        [True],
    )
    again = scene.reviewer.done(f"runs/{run_id}/rollbacks/")
    verdicts = {item["effect"]: item["verdict"] for item in again["plan"]}
    report.check("Looked at again, it is done already", verdicts, {CHANGE: "done", MAIL: "impossible"})


def drifted(scene: Scene, run_id: str, customer: Row) -> None:
    """A colleague has changed the row since: the rollback is refused and says why."""
    report = scene.report
    theirs = scene.crm.other_tier(customer["tier"], scene.crm.tier(customer["id"]))
    scene.crm.change(customer["id"], "tier", theirs)
    preview = scene.reviewer.done(f"runs/{run_id}/rollbacks/")
    item = next(item for item in preview["plan"] if item["effect"] == CHANGE)
    report.check("The row has been changed since: it would not be restored", item["verdict"], "drifted")
    report.find("... and the preview says why", "changed since", item["sentence"])
    refused = scene.reviewer.post(f"runs/{preview['id']}/confirm/", {"plan_digest": preview["plan_digest"]})
    report.check(
        "Confirming it is refused", (refused.status_code, refused.json()["code"]), (409, "nothing_to_roll_back")
    )
    report.check("The colleague's change stays", scene.crm.tier(customer["id"]), theirs)
