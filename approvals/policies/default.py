"""The policy of a new workspace: read freely, change the world only where that is clean and can be undone.

*Clean* means: every value of the arguments comes from a trusted source, none of them by coincidence, and the model
that proposed the action had seen no untrusted content, or tool and target were fixed before it had. Everything else
that changes something outside is for people. Only a change that can be countered and is otherwise clean may later be
left to an agent that has earned it; taint, sending out and irreversibility are never waived.
"""

from typing import Any, Final

DEFAULT_QUEUE: Final = "default"

_DESCRIBED = (
    "action.tool != '' && action.operation != ''"
    " && action.effect in ['read', 'reversible', 'compensatable', 'irreversible']"
    " && action.idempotency in ['enforced', 'conditional', 'probe', 'none']"
)
_CLEAN = (
    "provenance.all_trusted && !provenance.any_coincidence && (!provenance.untrusted_influence || provenance.planned)"
)
_UNDOING = "action.compensates && provenance.all_trusted && provenance.planned"
_WRITE = "action.effect in ['reversible', 'compensatable', 'irreversible']"


def _review(name: str, when: str, reason: str, *, waivable: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "when": when,
        "reason": reason,
        "outcome": "review",
        "waivable": waivable,
        "queue": DEFAULT_QUEUE,
        "quorum": 1,
        "time_limit_seconds": 72 * 3600,
        "on_expiry": "expire",
    }


DEFAULT_RULES: Final[list[dict[str, Any]]] = [
    {
        "name": "undescribed-tool",
        "when": f"!({_DESCRIBED})",
        "outcome": "deny",
        "reason": "Nobody has described what this tool does, so it may not be used.",
    },
    {
        "name": "same-call-again",
        "when": "history.run_same_call >= 3",
        "outcome": "deny",
        "reason": "The agent has proposed exactly this call three times before in this run: it is going in circles.",
    },
    {
        "name": "read",
        "when": "action.effect == 'read' && !action.egress",
        "outcome": "allow",
        "reason": "It only reads, and sends nothing out.",
    },
    {
        "name": "read-that-asks-outside",
        "when": "action.effect == 'read' && action.egress && !provenance.untrusted_influence",
        "outcome": "allow",
        "reason": "It only reads, and nothing untrusted had a part in what is sent out to ask.",
    },
    {
        "name": "clean-reversible-change",
        "when": f"action.effect == 'reversible' && action.has_undo && {_CLEAN}",
        "outcome": "allow",
        "reason": "It can be undone exactly, and every value comes from a source that is trusted.",
    },
    {
        "name": "recorded-undo",
        "when": f"action.effect in ['reversible', 'compensatable'] && {_UNDOING}",
        "outcome": "allow",
        "reason": "It undoes an earlier action exactly as was recorded when that one was carried out.",
    },
    _review(
        "irreversible",
        "action.effect == 'irreversible'",
        "It cannot be undone once it is done.",
    ),
    _review(
        "moves-money",
        "action.moves_money",
        "It moves money.",
    ),
    _review(
        "sends-out-under-untrusted-influence",
        "action.egress && provenance.untrusted_influence",
        "It sends text out, and the agent had read content from untrusted sources before it wrote that text.",
    ),
    _review(
        "change-not-from-trusted-sources",
        f"{_WRITE} && !({_CLEAN}) && !({_UNDOING})",
        "It changes something outside, and not everything in it can be traced to a trusted source.",
    ),
    _review(
        "change-without-exact-undo",
        f"action.effect == 'reversible' && !action.has_undo && !({_UNDOING})",
        "This tool can usually be undone, but no undo is known for this call.",
    ),
    _review(
        "change-that-can-only-be-countered",
        f"action.effect == 'compensatable' && !({_UNDOING})",
        "It cannot be undone exactly, only countered by another action.",
        waivable=True,
    ),
]
