"""Where the story plays: the people, the program, the outside systems, and the few moves that most chapters make."""

import os
from dataclasses import dataclass
from typing import Any

import httpx2

from config.demo import seed
from config.demo.story.callers import Caller, Person, Program
from config.demo.story.casting import DESK, STRANGER, Cast
from config.demo.story.outside import Crm, Inbox, Row
from config.demo.story.report import Report, until
from config.services.running import var_folder

Json = dict[str, Any]
RESTING = frozenset({"succeeded", "failed", "cancelled"})
CHANGE = "reversible"
MAIL = "irreversible"


@dataclass
class Scene:
    """Everybody and everything; each person is named by role."""

    report: Report
    cast: Cast
    owner: Person
    reviewer: Person
    finance: Person
    member: Person
    stranger: Person
    anonymous: Person
    program: Program
    crm: Crm
    inbox: Inbox

    @classmethod
    def set_up(cls, report: Report, cast: Cast) -> "Scene":
        """Find the running demo by its environment, and let everybody sign in."""
        url = os.environ["COUNTERSIGN_URL"]
        return cls(
            report=report,
            cast=cast,
            owner=_signed_in(url, seed.address("owner"), seed.PASSWORD),
            reviewer=_signed_in(url, seed.address("reviewer"), seed.PASSWORD),
            finance=_signed_in(url, seed.address("finance"), seed.PASSWORD),
            member=_signed_in(url, seed.address("member"), seed.PASSWORD),
            stranger=_signed_in(url, STRANGER, cast.stranger_password),
            anonymous=Person(url),
            program=Program(url, cast.key_text),
            crm=Crm(var_folder()),
            inbox=Inbox(f"http://127.0.0.1:{os.environ['DEMO_INBOX_PORT']}"),
        )

    def ticket(self, customer: Row, wanted: str) -> str:
        """Return what somebody might write who wants another tier for this customer."""
        return f"Please upgrade {customer['email']} to tier {wanted}."

    def begin(self, by: Caller, text: str, *, agent: str = DESK) -> str:
        """Give a ticket by the API and return the run's id."""
        return str(by.done("runs/", {"agent": agent, "text": text})["id"])

    def run(self, run_id: str) -> Json:
        """Return the run as the owner sees it."""
        return self.owner.look(f"runs/{run_id}/")

    def ended(self, run_id: str) -> Json:
        """Wait for the run's end and return it."""
        return until(lambda: _if(self.run(run_id), lambda run: run["status"] in RESTING), f"the end of run {run_id}")

    def request(self, run_id: str, effect: str, *, besides: str = "") -> Json:
        """Wait until an action of this effect waits in the inbox, other than ``besides``, and return the request."""

        def look() -> Json:
            for row in self.reviewer.rows(f"requests/?run={run_id}&status=open&kind=action"):
                if row["action"] != besides:
                    request = self.reviewer.look(f"requests/{row['id']}/")
                    if request["evidence"]["action"]["effect"] == effect:
                        return request
            return {}

        return until(look, f"a request of run {run_id} about an action that is {effect}")

    def request_of_kind(self, run_id: str, kind: str) -> Json:
        """Wait for the run's request of this kind and return it."""
        rows = until(lambda: self.reviewer.rows(f"requests/?run={run_id}&status=open&kind={kind}"), f"a {kind} request")
        return self.reviewer.look(f"requests/{rows[0]['id']}/")

    def decide(self, by: Caller, request: Json, kind: str = "approve", **said: Any) -> httpx2.Response:
        """Let somebody decide by the API on what the request shows."""
        body = {"kind": kind, "seen": request["evidence_digest"], **said}
        return by.post(f"requests/{request['id']}/decisions/", body)

    def approve(self, by: Caller, request: Json) -> None:
        """Let somebody approve by the API, which has to succeed."""
        by.done(f"requests/{request['id']}/decisions/", {"kind": "approve", "seen": request["evidence_digest"]})

    def answer(self, by: Person, request: Json, kind: str, filled: dict[str, str] | None = None, **chosen: str) -> None:
        """Let somebody answer by the console's form of this kind, which has to be taken."""
        by.press(f"/requests/{request['id']}/", filled=filled, kind=kind, **chosen)

    def action(self, action_id: str) -> Json:
        """Return the action as the owner sees it."""
        return self.owner.look(f"actions/{action_id}/")

    def action_is(self, action_id: str, status: str) -> Json:
        """Wait until the action has this status, and return it."""
        return until(
            lambda: _if(self.action(action_id), lambda action: action["status"] == status),
            f"an action that is {status}",
        )

    def read_back(self, action_id: str) -> Json:
        """Wait until the action has succeeded and its effect was read back, and return it."""
        return until(
            lambda: _if(self.action(action_id), lambda action: "verify" in {one["kind"] for one in action["attempts"]}),
            "an action that was read back",
        )

    def cancel(self, run_id: str) -> None:
        """End a run whose rest is of no interest."""
        if self.run(run_id)["status"] not in RESTING:
            self.reviewer.done(f"runs/{run_id}/cancel/")
        self.ended(run_id)


def _if(found: Json, wanted: Any) -> Json:
    return found if wanted(found) else {}


def _signed_in(url: str, address: str, password: str) -> Person:
    person = Person(url)
    person.sign_in(address, password)
    return person
