"""Chapter: one ticket with everything in it, from passages of the handbook to a remembered wish and back again."""

from dataclasses import dataclass
from typing import Any

from agents.providers.demo.letters import LANGUAGES, Words
from agents.providers.demo.preferences import LANGUAGE
from config.demo.payments.accounts import currency_of
from config.demo.story.outside import Row
from config.demo.story.paying import Payments, unused_amount, written
from config.demo.story.report import until
from config.demo.story.scene import MAIL, Scene
from config.demo.till import FINANCE_QUEUE

Json = dict[str, Any]
TOLD = "German"
OWN_WORDS = "With kind regards from a person."
CHANGE, REFUND, REMEMBER = "crm.customer.update", "payments.refund.create", "memory.remember"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who wants what: another tier, a payment back, an answer that stands in a passage, letters in a language."""

    agent: str
    customer: Row
    tier: str
    charge: Json
    passage: Json

    @property
    def about(self) -> str:
        """The innermost heading of the passage."""
        return str(self.passage["heading_path"][-1]).lower()

    @property
    def ticket(self) -> str:
        """Everything at once, as somebody might write it."""
        return (
            f"I am {self.customer['email']}. Please refund {written(self.charge)}.\n"
            f"Please set my tier to {self.tier}. What is your rule about {self.about}?\n"
            f"Please always write to us in {TOLD}."
        )


def whole(scene: Scene, agent: str) -> str:
    """Play the ticket with this agent: each thing happens once, is remembered, and taken back where it can be."""
    till, customer = Payments(), scene.crm.anybody()
    account, currency = till.account(customer["email"]), currency_of(customer["email"])
    charge = till.charge(account, unused_amount(till, account, currency), currency)
    wishes = Wishes(agent, customer, scene.crm.other_tier(customer["tier"]), charge, _passage(scene))
    run_id = scene.begin(scene.program, wishes.ticket, agent=agent)
    asked = _asked(scene, run_id)
    _cited(scene, asked[CHANGE], wishes)
    _decided(scene, asked, wishes, till)
    _written_to(scene, run_id, asked, wishes)
    _once(scene, run_id, wishes, till)
    _remembered(scene, run_id, asked[REMEMBER], wishes)
    _taken_back(scene, run_id, asked[CHANGE], wishes, till)
    return run_id


def _passage(scene: Scene) -> Json:
    """Return the last passage of the desk's handbook."""
    (collection,) = scene.owner.rows("collections/")
    (document,) = scene.owner.rows(f"collections/{collection['id']}/documents/")
    return scene.owner.rows(f"documents/{document['id']}/passages/")[-1]


def _asked(scene: Scene, run_id: str) -> dict[str, Json]:
    """Return the run's four requests, by tool; that of the finance queue by the queue's name."""

    def look() -> list[Json]:
        rows = scene.finance.rows(f"requests/?run={run_id}&status=open&kind=action")
        return rows if len(rows) == 4 else []

    rows = until(look, "four requests of one ticket")
    full = [scene.finance.look(f"requests/{row['id']}/") for row in rows]
    return {
        FINANCE_QUEUE if one["queue"]["name"] == FINANCE_QUEUE else one["evidence"]["action"]["tool"]: one
        for one in full
    }


def _cited(scene: Scene, change: Json, wishes: Wishes) -> None:
    read = [one for item in change["evidence"]["reads"] for one in item.get("passages") or []]
    trusts = {one["trust"] for one in read}
    scene.report.check("The handbook was searched, and the request shows what was read there", trusts, {"trusted"})


def _decided(scene: Scene, asked: dict[str, Json], wishes: Wishes, till: Payments) -> None:
    report, before = scene.report, wishes.customer
    fact = asked[REMEMBER]["evidence"]["action"]["arguments"]
    report.check(
        "It is proposed to remember the wish, in one fixed word", (fact["key"], fact["value"]), (LANGUAGE, TOLD)
    )
    nothing = (scene.crm.tier(before["id"]), till.refunds(wishes.charge["id"]), _facts(scene, wishes))
    report.check("Until people decide, nothing has happened", nothing, (before["tier"], [], []))
    scene.answer(scene.finance, asked[FINANCE_QUEUE], "approve")
    for tool in (REFUND, CHANGE, REMEMBER):
        scene.answer(scene.reviewer, asked[tool], "approve")
    for tool in (REFUND, CHANGE, REMEMBER):
        scene.action_is(asked[tool]["action"], "succeeded")
    report.check("Approved, the refund by two: all three are done", True)


def _written_to(scene: Scene, run_id: str, asked: dict[str, Json], wishes: Wishes) -> None:
    """The letter quotes the handbook, in the language; a person edits it, another one lets it go."""
    report, words = scene.report, LANGUAGES[TOLD]
    mail = scene.request(run_id, MAIL, besides=asked[REFUND]["action"])
    letter = mail["evidence"]["action"]["arguments"]
    report.check("The customer is written to afterwards, in the language of the wish", letter["subject"], words.subject)
    report.find(
        "The letter quotes the passage of the handbook", " ".join(wishes.passage["text"].split()), letter["body"]
    )
    report.find("... and says where it stands", wishes.passage["heading_path"][-1], letter["body"])
    form = scene.reviewer.form(f"/requests/{mail['id']}/edit/", "binding")
    body = next(name for name, value in form.fields.items() if value.split() == letter["body"].split())
    scene.reviewer.submit(form, **{body: f"{letter['body']}\n\n{OWN_WORDS}", "reason": "A personal word"})
    again = scene.request(run_id, MAIL, besides=mail["action"])
    scene.answer(scene.finance, again, "approve")
    ended = scene.ended(run_id)
    report.check("Edited by one person and approved by another: the run ends", ended["status"], "succeeded")


def _once(scene: Scene, run_id: str, wishes: Wishes, till: Payments) -> None:
    letters = [message["body"] for message in scene.inbox.to(wishes.customer["email"])]
    seen = (len(till.refunds(wishes.charge["id"])), len(letters), len(_facts(scene, wishes)))
    scene.report.check("One refund, one letter, one fact", seen, (1, 1, 1))
    scene.report.check("The CRM was changed", scene.crm.tier(wishes.customer["id"]), wishes.tier)
    scene.report.find("The letter is the one that the person wrote", OWN_WORDS, letters[0])
    writes = [row for row in scene.owner.rows(f"actions/?run={run_id}") if row["effect"] != "read"]
    tries = [
        [one["kind"] for one in scene.action(row["id"])["attempts"]].count("execute")
        for row in writes
        if row["status"] == "succeeded"
    ]
    scene.report.check("Each effect was carried out at the first attempt, and not again", tries, [1, 1, 1, 1])


def _remembered(scene: Scene, run_id: str, fact: Json, wishes: Wishes) -> None:
    """The customer writes again and says nothing of the language: the run knows it, and shows that it does."""
    text = f"I am {wishes.customer['email']}. What is your rule about {wishes.about}?"
    again = scene.begin(scene.owner, text, agent=wishes.agent)
    mail = scene.request(again, MAIL)
    told = [(one["key"], one["value"]) for one in scene.owner.rows(f"runs/{again}/facts/")]
    scene.report.check("A follow-up run is told what is remembered", told, [(LANGUAGE, TOLD)])
    scene.report.find("... its page shows that", LANGUAGE, scene.reviewer.page(f"/runs/{again}/"))
    words: Words = LANGUAGES[TOLD]
    subject = mail["evidence"]["action"]["arguments"]["subject"]
    scene.report.check("... and its letter keeps to it", subject, words.subject)
    scene.cancel(again)


def _taken_back(scene: Scene, run_id: str, change: Json, wishes: Wishes, till: Payments) -> None:
    """The change of the CRM alone is rolled back: refund, letter and memory stay."""
    preview = scene.reviewer.done(f"runs/{run_id}/rollbacks/", {"action": change["action"]})
    verdicts = [item["verdict"] for item in preview["plan"]]
    scene.report.check("The preview of one action's rollback: it can be restored", verdicts, ["restore"])
    scene.reviewer.done(f"runs/{preview['id']}/confirm/", {"plan_digest": preview["plan_digest"]})
    scene.ended(preview["id"])
    tier = scene.crm.tier(wishes.customer["id"])
    scene.report.check("Rolled back: the CRM is as it was", tier, wishes.customer["tier"])
    left = (len(till.refunds(wishes.charge["id"])), len(_facts(scene, wishes)))
    scene.report.check("Refund and memory are as they were", left, (1, 1))


def _facts(scene: Scene, wishes: Wishes) -> list[Json]:
    """Return what this agent remembers of the customer."""
    agent = next(row["id"] for row in scene.owner.rows("agents/") if row["name"] == wishes.agent)
    rows = scene.owner.rows(f"facts/?agent={agent}")
    return [row for row in rows if row["subject_ref"] == str(wishes.customer["id"])]
