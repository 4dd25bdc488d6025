"""What a browser sends when somebody decides, read into an ``Answer``; and the same kept, where it was not taken."""

from decimal import Decimal, InvalidOperation
from typing import Final

from django.http import QueryDict

from approvals.operations import Answer
from approvals.operations.extending import MAX_SECONDS
from approvals.states import DecisionKind, Settlement
from workspaces.console.shapes import Unsent
from workspaces.errors import DomainError, InvalidInput

MAX_STEPS: Final = 10_000
MAX_AMOUNT: Final = Decimal(10**11)
KINDS: Final = {
    "approve": DecisionKind.APPROVE,
    "reject": DecisionKind.REJECT,
    "respond": DecisionKind.RESPOND,
    "settle": DecisionKind.APPROVE,
    "budget": DecisionKind.APPROVE,
}


def answer_of(sent: QueryDict) -> Answer:
    """Return the answer that a form holds; raise ``InvalidInput`` for what no form of ours sends.

    ``kind`` is approve, reject, respond, settle (with ``settlement``) or budget (with ``amount`` in the budget's unit,
    ``steps`` or ``minutes``); ``binding`` is the digest of the evidence that was shown.
    """
    kind = sent.get("kind", "")
    if kind not in KINDS:
        raise InvalidInput("Say what you decide.", f"kind is one of {', '.join(KINDS)}.")
    settlement = sent.get("settlement", "") if kind == "settle" else ""
    if kind == "settle" and settlement not in Settlement.values:
        raise InvalidInput("Say whether it happened.", f"settlement is one of {', '.join(Settlement.values)}.")
    return Answer(
        kind=KINDS[kind],
        seen=sent.get("binding", ""),
        reason=sent.get("reason", ""),
        settlement=Settlement(settlement) if settlement else None,
        amount=_amount(sent.get("amount", "").strip()) if kind == "budget" else None,
        steps=_steps(sent.get("steps", "").strip()) if kind == "budget" else None,
        seconds=_seconds(sent.get("minutes", "").strip()) if kind == "budget" else None,
    )


def unsent(sent: QueryDict, error: DomainError) -> Unsent:
    """Return what was typed beside the reason why it was not taken."""
    return Unsent(
        message=error.message,
        hint=error.hint,
        **{name: sent.get(name, "") for name in ("kind", "reason", "settlement", "amount", "steps", "minutes")},
    )


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    wrong = InvalidInput("This is no amount.", "Write it with a point, such as 2.50.")
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise wrong from error
    if not amount.is_finite() or amount > MAX_AMOUNT or amount != round(amount, 6):
        raise wrong
    return amount


def _steps(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MAX_STEPS):
        raise InvalidInput("This is no number of steps.", f"Write a whole number from 1 to {MAX_STEPS:,}.")
    return int(text)


def _seconds(minutes: str) -> int | None:
    if not minutes:
        return None
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 7 and 1 <= int(minutes) * 60 <= MAX_SECONDS):
        most = MAX_SECONDS // 60
        raise InvalidInput("This is no number of minutes.", f"Write a whole number from 1 to {most:,}.")
    return int(minutes) * 60
