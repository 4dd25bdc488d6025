"""Chapters: the main job, and every way of deciding."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import httpx2

from config.demo.story.callers import Caller
from config.demo.story.casting import DESK
from config.demo.story.outside import Row
from config.demo.story.report import during
from config.demo.story.scene import CHANGE, MAIL, Scene
from config.demo.story.seeing import pages, seeing

Json = dict[str, Any]


def main_job(scene: Scene) -> tuple[str, Row]:
    """A ticket typed in the console, two proposals, an approval, an edit, one effect each; return run and customer."""
    report, customer = scene.report, scene.crm.anybody()
    wanted = scene.crm.other_tier(customer["tier"])
    run_id = _typed(scene, scene.ticket(customer, wanted))
    change, mail = scene.request(run_id, CHANGE), scene.request(run_id, MAIL)
    steps = scene.owner.rows(f"runs/{run_id}/steps/")
    reads = [step for step in steps if step["kind"] == "action" and step["status"] == "succeeded"]
    report.check("The customer is looked up without asking anybody", len(reads) > 0)
    report.check(
        "The change waits for a person, and the CRM is as it was", scene.crm.tier(customer["id"]), customer["tier"]
    )
    _evidence(scene, change, mail, customer)
    seeing(scene, run_id, change["id"])
    pages(scene, run_id, change["id"])
    _own_work(scene, scene.owner, change, "The owner, who began it, may not decide")
    scene.answer(scene.reviewer, change, "approve")
    done = scene.read_back(change["action"])
    report.check("Approved by the reviewer: the CRM is changed", scene.crm.tier(customer["id"]), wanted)
    report.check("It was executed once and read back", _attempts(done), ["execute", "verify"])
    _edited_mail(scene, mail, customer)
    run = scene.ended(run_id)
    report.check(
        "The run ends, with an outcome in words", (run["status"], bool(run["outcome"]["text"])), ("succeeded", True)
    )
    _measured(scene, run_id)
    return run_id, customer


def _typed(scene: Scene, text: str) -> str:
    """Give the ticket by the console's form and return the run's id, which the answer leads to."""
    form = scene.owner.form("/runs/new/", "text", "agent")
    answer = scene.owner.submit(form, text=text, agent=_offered(form.choices["agent"], scene))
    scene.report.check("A ticket is typed in the console", answer.status_code, 302)
    return str(answer.headers["location"]).rstrip("/").rsplit("/", 1)[-1]


def _offered(choices: list[str], scene: Scene) -> str:
    """Return the choice that stands for the support desk: its id or its name."""
    desk = next(agent for agent in scene.owner.rows("agents/") if agent["name"] == DESK)
    return next(choice for choice in choices if choice in {desk["id"], desk["name"]})


def _evidence(scene: Scene, change: Json, mail: Json, customer: Row) -> None:
    shown, report = change["evidence"], scene.report
    report.find("The request shows the ticket", customer["email"], shown["ticket"]["text"])
    report.check("It shows what was read", bool(shown["reads"]))
    report.check(
        "It shows the exact arguments, and whom they concern", shown["action"]["arguments"]["id"], customer["id"]
    )
    report.check("It names the rule that asks for a person, and why", bool(shown["rules"]) and bool(change["reasons"]))
    report.check("It says that the change can be undone", shown["action"]["has_undo"])
    undo = mail["evidence"]["action"]
    report.check("Of the mail it says before approval that it cannot be undone", undo["has_undo"], False)
    report.find("... in words", "cannot", undo["undo"])


def _own_work(scene: Scene, by: Caller, request: Json, promised: str) -> None:
    answer = scene.decide(by, request)
    scene.report.check(promised, (answer.status_code, answer.json()["code"]), (403, "may_not_decide"))
    scene.report.find("The refusal says what to do", "somebody else", answer.json()["detail"])


def _attempts(action: Json) -> list[str]:
    return [attempt["kind"] for attempt in action["attempts"] if attempt["kind"] in {"execute", "verify"}]


def _edited_mail(scene: Scene, mail: Json, customer: Row) -> None:
    """The reviewer writes the mail anew; the revision is gated, shown as a difference, approved and sent once."""
    report, before = scene.report, len(scene.inbox.to(customer["email"]))
    own_words = f"Dear customer,\n\na person wrote this. Reference {uuid4()}.\n"
    form = scene.reviewer.form(f"/requests/{mail['id']}/edit/", "binding")
    proposed = mail["evidence"]["action"]["arguments"]["body"]
    body = next(name for name, value in form.fields.items() if value.split() == proposed.split())
    edited = scene.reviewer.submit(form, **{body: own_words, "reason": "In our own words"})
    report.check("The reviewer edits the mail in a form; that makes a new action", edited.status_code, 302)
    again = scene.request(mail["run_id"], MAIL, besides=mail["action"])
    report.check("The edit is a revision of the old action", again["evidence"]["revises"]["id"], mail["action"])
    was, now = again["evidence"]["revises"]["arguments"], again["evidence"]["action"]["arguments"]
    report.check(
        "The new request shows what differs, and only that", [name for name in now if now[name] != was[name]], ["body"]
    )
    report.check("Nothing was sent by the edit", len(scene.inbox.to(customer["email"])), before)
    scene.answer(scene.finance, again, "approve")
    sent = scene.action_is(again["action"], "succeeded")
    arrived = [message["body"].strip() for message in scene.inbox.to(customer["email"])][: -before or None]
    report.check("Approved: the edited text arrives exactly once", arrived, [own_words.strip()])
    report.check("The mail was handed over once", _attempts(sent), ["execute"])
    report.check("The agent's own version was never sent", scene.action(mail["action"])["status"], "superseded")


def _measured(scene: Scene, run_id: str) -> None:
    usage = scene.owner.rows(f"runs/{run_id}/usage/")
    known = all(call["latency_ms"] is not None and call["outcome"] == "answered" for call in usage)
    scene.report.check("Every model call is on record: tokens, money, time", bool(usage) and known)
    events = scene.owner.rows(f"events/?subject_id={run_id}")
    scene.report.check(
        "The run's own events are in the ledger", {"run.queued", "run.succeeded"} <= {e["verb"] for e in events}
    )


def by_a_program(scene: Scene) -> tuple[str, Row]:
    """A ticket over the API, sent twice; a rejection that changes the agent's mind; an answer instead of a decision."""
    report, customer = scene.report, scene.crm.anybody()
    body = {"agent": DESK, "text": scene.ticket(customer, scene.crm.other_tier(customer["tier"]))}
    key = str(uuid4())
    first, second = (scene.program.post("runs/", body, key=key) for _ in range(2))
    report.check("A program's task is begun", first.status_code, 201)
    report.check("Sent again with the same key: the same run", first.json()["id"] == second.json()["id"])
    report.check("... and the answer says that it is a repetition", second.headers.get("idempotency-replayed"), "true")
    other = scene.program.post("runs/", {**body, "text": "Something else"}, key=key)
    report.check(
        "The same key for another task is refused",
        (other.status_code, other.json()["code"]),
        (422, "idempotency_key_reused"),
    )
    run_id = str(first.json()["id"])
    change, mail = scene.request(run_id, CHANGE), scene.request(run_id, MAIL)
    _own_work(scene, scene.owner, change, "What the owner's service account began, the owner may not decide")
    _told_why(scene, mail, customer)
    report.check("The rejected mail left its sibling alone", scene.action(change["action"])["status"], "in_review")
    scene.approve(scene.finance, change)
    scene.action_is(change["action"], "succeeded")
    _answered(scene, mail, customer)
    return run_id, customer


def _told_why(scene: Scene, mail: Json, customer: Row) -> None:
    empty = scene.decide(scene.reviewer, mail, "reject", reason=" ")
    scene.report.check(
        "A rejection without a reason is refused", (empty.status_code, list(empty.json()["errors"])), (422, ["reason"])
    )
    scene.answer(scene.reviewer, mail, "reject", {"reason": "Do not promise anything; a colleague will call."})
    scene.report.check(
        "The reviewer rejects the mail with a reason", scene.action(mail["action"])["status"], "rejected"
    )
    scene.report.check("Nothing was sent", len(scene.inbox.to(customer["email"])), 0)


def _answered(scene: Scene, mail: Json, customer: Row) -> None:
    again = scene.request(mail["run_id"], MAIL, besides=mail["action"])
    old, new = (request["evidence"]["action"]["arguments"] for request in (mail, again))
    scene.report.check("The agent knows the reason: its next proposal is another one", old["body"] != new["body"])
    scene.answer(scene.finance, again, "respond", {"reason": "No mail is needed: I have called the customer."})
    scene.report.check(
        "A person answers instead of deciding", scene.action_is(again["action"], "answered")["status"], "answered"
    )
    run = scene.ended(mail["run_id"])
    scene.report.check(
        "The run ends, and no mail was sent", (run["status"], len(scene.inbox.to(customer["email"]))), ("succeeded", 0)
    )


def two_at_once(scene: Scene) -> None:
    """Two people decide on one request at the same moment."""
    report, customer = scene.report, scene.crm.anybody()
    wanted = scene.crm.other_tier(customer["tier"])
    run_id = scene.begin(scene.owner, scene.ticket(customer, wanted))
    change = scene.request(run_id, CHANGE)
    answers = _at_once(scene, change)
    made = scene.reviewer.look(f"requests/{change['id']}/")["decisions"]
    lost = [answer.text for answer in answers if answer.status_code == 409]
    report.check("Two decide at once, in console and API: exactly one wins", (len(made), len(lost)), (1, 1))
    told = _told(lost[0])
    report.find("The other is told who was first", f"{made[0]['user']['name']} decided on this already", told)
    report.find("... and when", made[0]["at"][:16].replace("T", " "), told)
    done = scene.read_back(change["action"])
    report.check(
        "The change was made once", (_attempts(done), scene.crm.tier(customer["id"])), (["execute", "verify"], wanted)
    )
    _cancelled(scene, run_id, customer)


def _at_once(scene: Scene, request: Json) -> list[httpx2.Response]:
    """Let the reviewer approve by the console's form and finance by the API at the same moment; return the answers."""
    form, barrier = scene.reviewer.form(f"/requests/{request['id']}/", kind="approve"), Barrier(2)

    def at_once(decide: Callable[[], httpx2.Response]) -> httpx2.Response:
        barrier.wait(10)
        return decide()

    ways = [lambda: scene.reviewer.submit(form), lambda: scene.decide(scene.finance, request)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(at_once, ways))


def _told(answer: str) -> str:
    """Return the sentence about the other's decision in an answer of the console or the API."""
    found = re.search(r"\w+ decided on this already \([^)]*\)", answer)
    return found[0] if found else answer


def _cancelled(scene: Scene, run_id: str, customer: Row) -> None:
    """The run is cancelled while its mail waits."""
    mail = scene.request(run_id, MAIL)
    scene.reviewer.press(f"/runs/{run_id}/", to="/cancel/")
    scene.ended(run_id)
    late = scene.decide(scene.finance, mail)
    scene.report.check(
        "Cancelled: the run ends and its request with it",
        (scene.run(run_id)["status"], late.status_code),
        ("cancelled", 409),
    )
    counts = during(1.0, lambda: len(scene.inbox.to(customer["email"])))
    scene.report.check("Nothing is sent after a cancellation", counts, {0})
