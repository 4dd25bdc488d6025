"""The word, the tone and the icon of every state that the console shows.

Tones are few on purpose: ``danger`` refusal and harm, ``wait`` a person or time is awaited, ``good`` verified (never
"probably"), ``active`` happening or decided, ``done`` over without proof of its own, ``quiet`` everything else.
The states of the upper floors are known here by value only; a test holds this table against them.
"""

from typing import Final, NamedTuple


class Look(NamedTuple):
    """How one state is shown; ``icon`` names a symbol of icons.svg."""

    word: str
    tone: str
    icon: str


LOOKS: Final[dict[str, dict[str, Look]]] = {
    "action": {
        "proposed": Look("Proposed", "quiet", "dot"),
        "in_review": Look("In review", "wait", "clock"),
        "approved": Look("Approved", "active", "check"),
        "executing": Look("Executing", "active", "active"),
        "succeeded": Look("Succeeded", "done", "check"),
        "failed": Look("Failed", "danger", "cross"),
        "in_doubt": Look("In doubt", "wait", "question"),
        "denied": Look("Denied", "danger", "refused"),
        "rejected": Look("Rejected", "danger", "refused"),
        "answered": Look("Answered", "done", "reply"),
        "superseded": Look("Superseded", "quiet", "replaced"),
        "expired": Look("Expired", "quiet", "clock"),
        "cancelled": Look("Cancelled", "quiet", "cross"),
        "simulated": Look("Simulated", "wait", "sandbox"),
    },
    "request": {
        "open": Look("Waiting", "wait", "clock"),
        "approved": Look("Approved", "active", "check"),
        "rejected": Look("Rejected", "danger", "refused"),
        "answered": Look("Answered", "done", "reply"),
        "expired": Look("Expired", "quiet", "clock"),
        "cancelled": Look("Cancelled", "quiet", "cross"),
        "superseded": Look("Superseded", "quiet", "replaced"),
    },
    "run": {
        "queued": Look("Queued", "quiet", "dot"),
        "running": Look("Running", "active", "active"),
        "waiting": Look("Waiting", "wait", "clock"),
        "succeeded": Look("Succeeded", "done", "check"),
        "failed": Look("Failed", "danger", "cross"),
        "cancelled": Look("Cancelled", "quiet", "cross"),
    },
    "step": {
        "ready": Look("Ready", "quiet", "dot"),
        "running": Look("Running", "active", "active"),
        "waiting": Look("Waiting", "wait", "clock"),
        "succeeded": Look("Succeeded", "done", "check"),
        "failed": Look("Failed", "danger", "cross"),
        "skipped": Look("Skipped", "quiet", "skip"),
        "cancelled": Look("Cancelled", "quiet", "cross"),
    },
    "verdict": {
        "allow": Look("Allow", "done", "check"),
        "review": Look("Review", "wait", "person"),
        "deny": Look("Deny", "danger", "refused"),
    },
    "decision": {
        "approve": Look("Approved", "active", "check"),
        "edit": Look("Edited", "active", "edit"),
        "reject": Look("Rejected", "danger", "refused"),
        "respond": Look("Responded", "done", "reply"),
    },
    "settlement": {
        "happened": Look("It happened", "done", "check"),
        "retry": Look("It did not happen: trying again", "active", "active"),
        "give_up": Look("It did not happen: given up", "quiet", "cross"),
    },
    "attempt": {
        "started": Look("Started", "active", "active"),
        "done": Look("Done", "done", "check"),
        "refused": Look("Refused by the system", "danger", "refused"),
        "not_sent": Look("Proven not sent", "quiet", "skip"),
        "drifted": Look("The world had moved", "wait", "replaced"),
        "unknown": Look("Unknown", "wait", "question"),
    },
    "effect": {
        "read": Look("Reads only", "quiet", "read"),
        "reversible": Look("Can be undone exactly", "quiet", "undo"),
        "compensatable": Look("Can be countered, not undone", "wait", "counter"),
        "irreversible": Look("Cannot be undone", "danger", "irreversible"),
        "egress": Look("Sends text out", "wait", "send"),
    },
    "delivery": {
        "pending": Look("On its way", "wait", "clock"),
        "delivered": Look("Delivered", "done", "check"),
        "failed": Look("Failed", "danger", "cross"),
    },
    "step_kind": {
        "model": Look("Model call", "quiet", "model"),
        "action": Look("Action", "quiet", "tools"),
        "retrieval": Look("Retrieval", "quiet", "knowledge"),
        "branch": Look("Branch", "quiet", "branch"),
        "wait": Look("Wait", "quiet", "clock"),
        "child": Look("Child run", "quiet", "child"),
        "code": Look("Function", "quiet", "tools"),
        "event": Look("Event", "quiet", "clock"),
        "person": Look("Person", "quiet", "person"),
        "parallel": Look("Parallel", "quiet", "branch"),
        "map": Look("Map", "quiet", "branch"),
    },
    "rollback": {
        "restored": Look("Would be restored", "active", "undo"),
        "drifted": Look("Drifted", "wait", "replaced"),
        "compensation": Look("Compensation only", "wait", "counter"),
        "done": Look("Rolled back already", "done", "check"),
        "impossible": Look("Impossible", "danger", "irreversible"),
    },
    "rolled_back": {
        "verified": Look("Restored, and read back", "good", "verified"),
        "unread": Look("Restored, but not proven by a read-back", "wait", "question"),
        "left": Look("Left alone: it had drifted", "wait", "replaced"),
        "before": Look("Rolled back before", "done", "check"),
        "failed": Look("Not restored", "danger", "cross"),
        "not_possible": Look("Impossible", "danger", "irreversible"),
    },
    "proof": {
        "verified": Look("Verified", "good", "verified"),
        "unsealed": Look("Not yet sealed", "wait", "clock"),
        "sealed": Look("Not checked: unknown key", "wait", "question"),
        "signed": Look("Signature verified", "good", "verified"),
        "broken": Look("Does not verify", "danger", "warning"),
        "unread": Look("Not read back", "quiet", "question"),
    },
    "witness": {
        "held": Look("Holds the same", "good", "verified"),
        "lacking": Look("Not yet", "wait", "clock"),
        "differs": Look("Holds another", "danger", "warning"),
        "unread": Look("Cannot be read", "wait", "question"),
    },
    "document": {
        "queued": Look("Not indexed yet", "wait", "clock"),
        "ready": Look("Ready", "done", "check"),
        "failed": Look("Not indexed", "danger", "cross"),
    },
    "reembedding": {
        "running": Look("Embedding anew", "active", "active"),
        "stopped": Look("Stopped", "wait", "clock"),
        "complete": Look("Embedded anew", "done", "check"),
        "cancelled": Look("Cancelled", "quiet", "cross"),
    },
    "fact": {
        "valid": Look("Holds", "active", "check"),
        "closed": Look("Replaced", "quiet", "replaced"),
        "ended": Look("No longer true", "quiet", "cross"),
    },
    "person": {"disabled": Look("Disabled", "danger", "refused"), "active": Look("Enabled", "quiet", "check")},
    "environment": {"live": Look("Live", "quiet", "dot"), "sandbox": Look("Sandbox", "wait", "sandbox")},
    "pause": {"on": Look("Paused", "danger", "stop"), "off": Look("Not paused", "quiet", "runs")},
}


def look(kind: str, value: str) -> Look:
    """Return how ``value`` of ``kind`` is shown; a state unknown to the table is shown by its own name, quietly."""
    known = LOOKS.get(kind, {}).get(value)
    return known or Look(str(value).replace("_", " ").capitalize(), "quiet", "dot")


def way_in(source: str) -> str:
    """Return how a task came in, in words: ``source`` is what its run says of that."""
    return "API" if source == "api" else source


def sender(source: str, person: str) -> str:
    """Return whom a ticket is from: the way in, and the person behind it, as far as they are known."""
    return ", by ".join(part for part in (f"the {way_in(source)}" if source else "", person) if part) or "unknown"
