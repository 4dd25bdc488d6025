"""Sample requests for ``/components/``: every kind, every end, and every form of the decision bar. See ``samples``."""

from decimal import Decimal
from typing import Any, Final

from workspaces.console import differences
from workspaces.console.samples import (
    BIDI,
    DIGEST,
    HERE,
    HOSTILE,
    ID,
    LONG_WORD,
    ago,
    arguments,
    changes,
    facts,
    history,
    reads,
    reasons,
    ticket,
    words,
)
from workspaces.console.shapes import (
    Argument,
    DecisionBar,
    Facts,
    Onward,
    Outcome,
    Quorum,
    RequestPage,
    Sibling,
    Unsent,
)

WORST: Final = "\n".join(text for _, text in HOSTILE)
ONWARD: Final = Onward(url=HERE, title="Send an e-mail to ada@example.com: “Your new tier”")
ENDED: Final = {"decided": "approved", "rejected": "rejected", "expired": "expired", "superseded": "superseded"}
STALE: Final = "What you decided on has changed since you opened it."
AGAIN: Final = "What is there now stands below. What you wrote is still here."
FAR: Final = "Write a whole number of steps above 12, or an amount in US dollars."
TITLE: Final = "Change the tier of Ada Example (C-1042)"
EXTENDING: Final = "An owner of Sample workspace can extend it. It begins anew on 2026-03-02 (UTC)."


def bars() -> dict[str, DecisionBar]:
    """Return the decision bar in each of its states, and with each of its forms open."""
    note = "1 of 2 approvals so far."
    return {
        "action": DecisionBar(decide_url=HERE, binding=DIGEST, edit_url=f"{HERE}edit/", note=note),
        "settle": DecisionBar(decide_url=HERE, binding=DIGEST, kind="settle", note="Nothing is retried by itself."),
        "budget": DecisionBar(decide_url=HERE, binding=DIGEST, kind="budget", steps=12),
        "form": DecisionBar(decide_url=HERE, binding=DIGEST, kind="form", edit_url=f"{HERE}edit/"),
        "capped": DecisionBar(
            decide_url=HERE, binding=DIGEST, kind="budget", budget=("US dollars a day", "25"), note=EXTENDING
        ),
        "refused": DecisionBar(
            decide_url=HERE, binding=DIGEST,
            why_not="You started this run, so somebody else must decide. Any other reviewer of the queue “writes” can.",
        ),
        "reject": _open("action", Unsent(kind="reject", message=STALE, hint=AGAIN, reason="Gold begins next month.")),
        "respond": _open("action", Unsent(kind="respond", message="Say something.", hint="", reason="Ask first.")),
        "extend": _open("budget", Unsent(kind="budget", message="Say how far it may go.", hint=FAR, steps="ten")),
        "settling": _open("settle", Unsent(kind="settle", message=STALE, settlement="happened", reason="In the log.")),
    }  # fmt: skip


def _open(kind: str, answer: Unsent) -> DecisionBar:
    """Return a bar with a form open, as after an answer that was not taken."""
    edit_url = f"{HERE}edit/" if kind == "action" else ""
    steps = 12 if kind == "budget" else None
    return DecisionBar(decide_url=HERE, binding=DIGEST, kind=kind, edit_url=edit_url, answer=answer, steps=steps)


def outcome(state: str = "decided") -> Outcome:
    """Return how a request ended: decided (by two people), rejected, expired or superseded."""
    ends: dict[str, dict[str, Any]] = {
        "decided": {
            "title": "Approved by reviewer@example.com and finance@example.com",
            "reason": "Agreed on the phone. " + BIDI, "action": "succeeded",
            "then": "It was carried out. Read back: the system shows the expected state.",
            "url": HERE, "label": "See what became of it",
        },
        "rejected": {
            "title": "Rejected by reviewer@example.com", "reason": "Gold begins next month, not today.",
            "then": "It is not carried out; the agent is told why.",
        },
        "expired": {"title": "Expired", "then": "Nobody decided in time, so nothing was carried out."},
        "superseded": {
            "title": "Edited by finance@example.com", "reason": "Only from next month on.",
            "then": "The edited version is a new action; people are asked about it.",
            "url": HERE, "label": "See the request that took its place",
        },
    }  # fmt: skip
    return Outcome(value=ENDED[state], at=ago(minutes=2), **ends[state])


def request_page(state: str = "action") -> RequestPage:
    """Return a request page; ``state`` is hostile, edited, drifted, a key of ``ENDED`` or one of ``bars``."""
    bar = None if state in ENDED else bars().get(state, bars()["action"])
    kind = bar.kind if bar else "action"
    return RequestPage(
        id=str(ID), kind=kind, status=ENDED.get(state, "open"), title=TITLE, at=ago(minutes=12), agent="sample-agent",
        agent_url=f"{HERE}agent/", run=str(ID), run_url=f"{HERE}run/", facts=_facts(state, kind), bar=bar,
        digest=DIGEST, back_url=f"{HERE}inbox/", words=(words(WORST if state == "hostile" else ""),),
        reasons=_reasons(kind), history=history(), cost=Decimal("0.0184"), currency="USD",
        quorum=Quorum(queue="writes", needed=2, approvals=1, expires_at=ago(hours=-4), on_expiry="nothing is done"),
        ticket=ticket(WORST if state == "hostile" else ""), reads=reads(many=state == "hostile"),
        outcome=None if bar else outcome(state), onward=None if bar and not bar.why_not else ONWARD,
        **(_action(state, kind) if kind != "budget" else {"tool": ""}),
    )  # fmt: skip


def _facts(state: str, kind: str) -> Facts:
    if kind == "budget":
        return Facts(does="The run reached its limit of 12 steps. It goes on only if a person allows more", effect="")
    chosen = {"hostile": "hostile", "settle": "irreversible", "settling": "irreversible", "decided": "compensatable"}
    return facts()[chosen.get(state, "reversible")]


def _reasons(kind: str) -> Any:
    return reasons()[:2] if kind != "budget" else reasons(limit=True)


def _action(state: str, kind: str) -> dict[str, Any]:
    """Return what a page shows of an action: arguments, differences, and what a probe found."""
    hostile, settle = state == "hostile", kind == "settle"
    found: dict[str, Any] = {
        "tool": "crm.update_customer", "exact": {"customer_id": "C-1042", "tier": "gold"},
        "arguments": tuple(Argument(name=name, value=text) for name, text in HOSTILE) if hostile else arguments(),
        "changes": differences.fields({"note": "ok"}, {"note": WORST}) if hostile else [] if settle else changes(),
        "siblings": (Sibling(title="Send an e-mail", status="in_review", url=HERE),) if state == "action" else (),
    }  # fmt: skip
    if settle:
        found["probe"] = "The mail server closed the connection after the message was sent, before it answered."
        found["found"] = (("message id", "<7e664facf6c14c11760b2107dcc110c6@a.example>"), ("to", LONG_WORD))
    if state == "edited":
        found["revision"] = differences.fields({"tier": "gold"}, {"tier": "silver plus"})
        found["revised_by"], found["original_url"] = "finance@example.com", HERE
    if state == "drifted":
        found["drift"] = differences.fields({"tier": "silver"}, {"tier": "bronze"})
    return found
