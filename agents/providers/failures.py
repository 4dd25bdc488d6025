"""What a failed call means, told from the provider's status and code.

Both SDKs name the same things alike (``status_code``, ``response``, ``body``), so one reading serves them. Where the
SDK only says that the connection failed, the guard's own record of the exchange says whether anything had been sent.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from django.utils import timezone

from agents.providers import errors
from agents.providers.base import Endpoint
from workspaces.canonical import sanitise
from workspaces.outbound import Exchange

MAX_RETRY_AFTER: Final = 86_400.0
_QUOTED: Final = 300

_TOO_LONG: Final = ("context_length", "context length", "context window", "context limit", "prompt is too long")
_BY_CODE: Final[dict[str, type[errors.ModelError]]] = {
    "authentication_error": errors.WrongKey,
    "invalid_api_key": errors.WrongKey,
    "permission_error": errors.NotPermitted,
    "billing_error": errors.QuotaSpent,
    "insufficient_quota": errors.QuotaSpent,
    "not_found_error": errors.ModelNotFound,
    "model_not_found": errors.ModelNotFound,
    "rate_limit_error": errors.RateLimited,
    "rate_limit_exceeded": errors.RateLimited,
    "overloaded_error": errors.Overloaded,
    "context_length_exceeded": errors.ContextTooLong,
    "request_too_large": errors.ContextTooLong,
    "invalid_request_error": errors.BadRequest,
    "invalid_prompt": errors.BadRequest,
}
_BY_STATUS: Final[dict[int, type[errors.ModelError]]] = {
    401: errors.WrongKey,
    402: errors.QuotaSpent,
    403: errors.NotPermitted,
    404: errors.ModelNotFound,
    408: errors.TimedOut,
    413: errors.ContextTooLong,
    429: errors.RateLimited,
    503: errors.Overloaded,
    529: errors.Overloaded,
}
_SENTENCES: Final[dict[type[errors.ModelError], str]] = {
    errors.WrongKey: "The provider does not accept the key.",
    errors.NotPermitted: "The key may not use this model.",
    errors.QuotaSpent: "The account at the provider has no credit left.",
    errors.ModelNotFound: "The endpoint knows no such model, or its address is wrong.",
    errors.RateLimited: "The provider's rate limit is reached.",
    errors.Overloaded: "The provider is overloaded.",
    errors.ProviderFailed: "The provider failed.",
    errors.TimedOut: "The model did not answer in time.",
    errors.ContextTooLong: "The request is longer than the model's context.",
    errors.BadRequest: "The provider did not accept the request.",
}


def from_status(
    status: int, body: object, headers: Mapping[str, str], message: str, *, endpoint: Endpoint, streaming: bool
) -> errors.ModelError:
    """Return the error for an answer with an error status, or an error event in the stream (``streaming``)."""
    code = _code(body)
    kind = _kind(status, code, message)
    failed = kind in {errors.ProviderFailed, errors.TimedOut}
    return kind(
        _sentence(kind, status, message, endpoint),
        retry_after=retry_after(headers),
        may_have_cost=streaming or failed,
    )


def from_code(code: str, message: str, *, endpoint: Endpoint) -> errors.ModelError:
    """Return the error that the provider reported by ``code`` in the middle of an answer."""
    kind = _kind(0, code, message)
    return kind(_sentence(kind, 0, message, endpoint), may_have_cost=True)


def from_connection(exchange: Exchange, endpoint: Endpoint) -> errors.ModelError:
    """Return the error for a connection that ended early, told from what the guard saw of the exchange."""
    where = f"{endpoint.model} at {endpoint.base_url or 'the provider'}"
    if exchange.refusal is not None:
        return errors.AddressRefused(exchange.refusal.message, exchange.refusal.hint)
    if exchange.overfull:
        return errors.AnswerTooLarge(
            "The provider sent more than is accepted, so the call was ended.", may_have_cost=True
        )
    if exchange.expired:
        seconds = f"{endpoint.deadline_seconds:g}"
        return errors.TimedOut(
            f"{where} had not finished its answer after {seconds} s, so the call was ended.",
            may_have_cost=exchange.sent,
        )
    if not exchange.sent:
        return errors.Unreachable(f"{where} could not be reached.")
    return errors.StreamCut(f"The connection to {where} broke before the answer was whole.", may_have_cost=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110: seconds or a date), at most a day; None without."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text)
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if math.isfinite(seconds) else None


def _seconds_until(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return math.nan
    if moment.tzinfo is None:
        return math.nan
    return (moment - timezone.now()).total_seconds()


def _code(body: object) -> str:
    """Return the provider's own word for the error: ``code`` or ``type``, at the top or under ``error``."""
    while isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if not isinstance(body, dict):
        return ""
    words = [body.get(key) for key in ("code", "type")]
    known = [word for word in words if isinstance(word, str) and word in _BY_CODE]
    return known[0] if known else ""


def _kind(status: int, code: str, message: str) -> type[errors.ModelError]:
    lowered = message.lower()
    if status in {0, 200, 400, 413, 422, 500} and any(words in lowered for words in _TOO_LONG):
        return errors.ContextTooLong
    if code in _BY_CODE and _BY_CODE[code] is not errors.BadRequest:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if code in _BY_CODE or 400 <= status < 500:
        return errors.BadRequest
    return errors.Unreachable if 300 <= status < 400 else errors.ProviderFailed


def _sentence(kind: type[errors.ModelError], status: int, message: str, endpoint: Endpoint) -> str:
    """Say what is wrong; quote the provider where that helps, without the key (some servers repeat it)."""
    if kind is errors.Unreachable:
        return f"The endpoint redirects elsewhere (status {status}), which is not followed."
    sentence = _SENTENCES[kind]
    if kind is errors.WrongKey or not message:
        return sentence
    return f"{sentence} It says: {_ended(quoted(message, endpoint))}"


def _ended(text: str) -> str:
    """Return ``text`` with a full stop, unless it ends a sentence already: what follows begins another one."""
    return text if text.rstrip("\"'”’)»").endswith((".", "!", "?", "…", "。", "！", "？")) else f"{text}."


def quoted(message: str, endpoint: Endpoint) -> str:
    """Return ``message`` fit for people: one line, short, without the endpoint's key."""
    text = str(sanitise(message))
    if endpoint.api_key:
        text = text.replace(endpoint.api_key, "[key]")
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"


def message_of(body: Any, fallback: str) -> str:
    """Return the provider's own sentence in an error's ``body``."""
    while isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return fallback
