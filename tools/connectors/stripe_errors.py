"""What each of Stripe's documented errors proves about a request (https://docs.stripe.com/api/errors).

A 4xx answer says that Stripe did not do it. 429 says "not now". 409 says that the same key is being worked on at this
moment, and 5xx that Stripe itself does not know: after a write both leave it open. A refused idempotency key means that
an earlier try under our key said something else; what became of that one is open as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import stripe

from tools.connectors.base import ConnectorError, NotSent, Refused, Unknown
from tools.connectors.redaction import redact
from workspaces.outbound import Exchange

MAX_SAID: Final = 300
UNKNOWN: Final = "Stripe was asked, and did not say what became of it."
NOT_SENT: Final = "Stripe could not be reached: nothing was done."
UNREAD: Final = "Stripe could not be asked in time: nothing was changed."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: whether it was to change something, what the network saw of it, where it went, under which key."""

    write: bool
    exchange: Exchange
    server: str
    secret: Mapping[str, Any]


def classed(error: stripe.StripeError, asked: Asked) -> ConnectorError:
    """Return what a failed request proves."""
    evidence = _evidence(error, asked)
    if isinstance(error, stripe.APIConnectionError):
        return _unanswered(asked, evidence)
    return _answered(error, asked, evidence)


def _unanswered(asked: Asked, evidence: dict[str, Any]) -> ConnectorError:
    refusal = asked.exchange.refusal
    if refusal is not None:
        return Refused(f"{refusal.message} {refusal.hint}".strip(), evidence)
    if not asked.write:
        return NotSent(UNREAD, evidence)
    return Unknown(UNKNOWN, evidence) if asked.exchange.sent else NotSent(NOT_SENT, evidence)


def _answered(error: stripe.StripeError, asked: Asked, evidence: dict[str, Any]) -> ConnectorError:
    status, said = error.http_status or 0, evidence["said"]
    if isinstance(error, stripe.RateLimitError):
        return NotSent("Stripe takes no more requests for the moment: nothing was done.", evidence)
    if isinstance(error, stripe.AuthenticationError):
        return Refused("Stripe refused the API key: renew the connection's credential.", evidence)
    if isinstance(error, stripe.PermissionError):
        return Refused(f"The API key may not do this: give it the permission at Stripe. {said}".strip(), evidence)
    if isinstance(error, stripe.IdempotencyError):
        sentence = "An earlier try of this action asked Stripe for something else, and nobody knows what became of it."
        return Unknown(sentence, evidence) if asked.write else Refused(sentence, evidence)
    if isinstance(error, stripe.CardError):
        return Refused(f"The bank refused: {said}".strip(), evidence)
    if _leaves_open(status):
        return _open_ended(asked, status, evidence)
    return Refused(f"Stripe refused: {said or f'status {status}'}", evidence)


def _leaves_open(status: int) -> bool:
    """Return whether an answer with this status does not say that nothing was done."""
    return not 300 <= status < 500 or status in {408, 409, 424}


def _open_ended(asked: Asked, status: int, evidence: dict[str, Any]) -> ConnectorError:
    if not asked.write:
        return NotSent("Stripe failed to answer: nothing was changed.", evidence)
    if evidence["replayed"]:
        return Unknown("Stripe has kept its failure under this action's key and does not try it again.", evidence)
    if status == 409:
        return Unknown("An earlier try of this action is still being worked on at Stripe.", evidence)
    return Unknown(UNKNOWN, evidence)


def _evidence(error: stripe.StripeError, asked: Asked) -> dict[str, Any]:
    """Return what may be shown: Stripe's own words, cut short and without the key."""
    headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    said = body.get("error") if isinstance(body.get("error"), Mapping) else {}
    words = said.get("message") if isinstance(said, Mapping) else ""
    shown = {
        "type": _word(said, "type"),
        "code": _word(said, "code"),
        "said": str(words or ""),
        "request": headers.get("request-id", ""),
    }
    return {
        "server": asked.server,
        "status": error.http_status,
        "replayed": headers.get("idempotent-replayed") == "true",
        **{name: redact(text, asked.secret)[:MAX_SAID] for name, text in shown.items()},
    }


def _word(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, Mapping) else ""
    return value if isinstance(value, str) else ""
