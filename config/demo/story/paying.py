"""Chapter: a refund above what one person may let go: by two people, once, found again at the payment system."""

import os
from typing import Any
from urllib.parse import urlencode

import httpx2

from config.demo.payments.accounts import currency_of
from config.demo.story.outside import Row
from config.demo.story.report import NotSeen, during, until
from config.demo.story.scene import Scene
from config.demo.till import FINANCE_QUEUE, LIMITS
from tools.amounts import decimals_of, spoken

Json = dict[str, Any]
REFUND = "refund.create"
QUIET = 2.0


class Payments:
    """The payment system, as the shop and a colleague use it."""

    def __init__(self) -> None:
        url = f"http://127.0.0.1:{os.environ['DEMO_PAYMENTS_PORT']}/v1/"
        key = {"Authorization": f"Bearer {os.environ['DEMO_PAYMENTS_KEY']}"}
        self._http = httpx2.Client(base_url=url, headers=key, timeout=10, trust_env=False)

    def rows(self, kind: str, **wanted: str) -> list[Json]:
        """Return what it lists, the newest first."""
        answer = self._http.get(f"{kind}?{urlencode({**wanted, 'limit': '100'})}")
        if answer.status_code != 200:
            raise NotSeen(f"The payment system answered {answer.status_code}: {answer.text[:200]}")
        found: list[Json] = answer.json()["data"]
        return found

    def account(self, address: str) -> str:
        """Return the id of the one customer with this address."""
        (found,) = [row["id"] for row in self.rows("customers", email=address) if row["email"] == address]
        return str(found)

    def charge(self, customer: str, amount: int, currency: str) -> Json:
        """Let the customer pay with the card that is on file."""
        form = {"customer": customer, "amount": str(amount), "currency": currency}
        made: Json = self._http.post("charges", data=form).json()
        return made

    def refunds(self, charge: str) -> list[Json]:
        """Return the refunds of a charge."""
        return self.rows("refunds", charge=charge)


def refunded(scene: Scene) -> None:
    """A customer pays and wants it back: looked up, proposed, approved by two, made once, and said."""
    if "DEMO_PAYMENTS_PORT" not in os.environ:
        scene.report.check("The demo has a payment system", False)
        return
    till, customer = Payments(), scene.crm.anybody()
    account, currency = till.account(customer["email"]), currency_of(customer["email"])
    charge = till.charge(account, unused_amount(till, account, currency), currency)
    run_id = scene.begin(scene.program, f"I am {customer['email']}. Please refund {written(charge)}.")
    asked = _requests(scene, run_id)
    _shown(scene, asked, charge, till)
    _agreed(scene, asked, charge, till)
    _made_once(scene, asked["default"]["action"], charge, till)
    _said(scene, run_id, asked["default"]["action"], customer, charge)
    _somebody_elses(scene, charge, till)


def unused_amount(till: Payments, account: str, currency: str) -> int:
    """Return more than one person may let go, in an amount that the customer has not paid before."""
    taken = {row["amount"] for row in till.rows("charges", customer=account)}
    return next(
        amount for amount in range(LIMITS[currency] + 1100, LIMITS[currency] + 100_000, 100) if amount not in taken
    )


def written(charge: Json) -> str:
    """Return the amount as somebody writes it who puts the currency behind."""
    decimals, amount = decimals_of(charge["currency"]), charge["amount"]
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole}.{rest:0{decimals}d} {charge['currency'].upper()}" if decimals else f"{whole} {charge['currency']}"


def _requests(scene: Scene, run_id: str) -> dict[str, Json]:
    """Return the run's two requests about the refund, by queue."""

    def look() -> list[Json]:
        rows = scene.finance.rows(f"requests/?run={run_id}&status=open&kind=action")
        return rows if len(rows) == 2 else []

    rows = until(look, "two requests about one refund")
    full = [scene.finance.look(f"requests/{row['id']}/") for row in rows]
    return {"finance" if request["queue"]["name"] == FINANCE_QUEUE else "default": request for request in full}


def _shown(scene: Scene, asked: dict[str, Json], charge: Json, till: Payments) -> None:
    report = scene.report
    read = [row["id"] for one in asked["default"]["evidence"]["reads"] for row in one["result"].get("rows", [])]
    report.check("The customer's charges were looked up without asking anybody", charge["id"] in read)
    report.check(
        "One refund waits in two queues: everybody's, and finance's because of the amount",
        {request["action"] for request in asked.values()},
        {asked["finance"]["action"]},
    )
    seen = asked["finance"]["evidence"]
    report.check(
        "The request shows the charge as it is, and the amount in it",
        (seen["before"]["charge"], seen["before"]["remaining"], seen["action"]["arguments"]["amount"]),
        (charge["id"], charge["amount"], charge["amount"]),
    )
    quiet = during(QUIET, lambda: len(till.refunds(charge["id"])))
    report.check("Nothing is refunded while it waits", quiet, {0})


def _agreed(scene: Scene, asked: dict[str, Json], charge: Json, till: Payments) -> None:
    report = scene.report
    hidden = scene.reviewer.http.get(f"/api/v1/requests/{asked['finance']['id']}/").status_code
    report.check("Finance's request is not the reviewer's to see", hidden, 404)
    scene.answer(scene.finance, asked["finance"], "approve")
    again = scene.decide(scene.finance, asked["default"])
    report.check(
        "Whoever approved for finance does not count a second time",
        (again.status_code, again.json()["code"]),
        (403, "may_not_decide"),
    )
    report.check("One approval refunds nothing", during(QUIET, lambda: len(till.refunds(charge["id"]))), {0})
    scene.answer(scene.reviewer, asked["default"], "approve")


def _made_once(scene: Scene, action_id: str, charge: Json, till: Payments) -> None:
    report, done = scene.report, scene.read_back(action_id)
    kinds = [one["kind"] for one in done["attempts"] if one["kind"] in {"execute", "verify"}]
    report.check("Approved by two: it is carried out once and read back", kinds, ["execute", "verify"])
    made = [(row["amount"], row["metadata"].get("countersign_action")) for row in till.refunds(charge["id"])]
    report.check(
        "The payment system shows one refund, of that amount, with the action's id",
        made,
        [(charge["amount"], f"cs-{action_id.replace('-', '')}")],
    )


def _said(scene: Scene, run_id: str, refund: str, customer: Row, charge: Json) -> None:
    mail = scene.request(run_id, "irreversible", besides=refund)
    scene.approve(scene.reviewer, mail)
    ended = scene.ended(run_id)
    bodies = " ".join(message["body"] for message in scene.inbox.to(customer["email"]))
    scene.report.find(
        "Only then the customer is told, and how much", spoken(charge["amount"], charge["currency"]), bodies
    )
    scene.report.check("The run ends", ended["status"], "succeeded")


def _somebody_elses(scene: Scene, charge: Json, till: Payments) -> None:
    """Another customer asks for that same charge: a sentence, and no request."""
    other = scene.crm.anybody()
    before = len(till.refunds(charge["id"]))
    run_id = scene.begin(scene.program, f"I am {other['email']}. Please refund {charge['id']} to me.")
    ended = scene.ended(run_id)
    actions = [row for row in scene.owner.rows(f"actions/?run={run_id}") if row["effect"] != "read"]
    scene.report.check(
        "Somebody else's charge is not even proposed", (actions, len(till.refunds(charge["id"]))), ([], before)
    )
    scene.report.find("... and the run says why", "not among this customer's", ended["outcome"]["text"])
