"""What a model call costs in US dollars, from the price list that ``genai-prices`` carries inside its wheel.

An unknown price is None, never zero. Only the demo planner costs exactly nothing.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from agents.providers.base import ModelRequest, Provider, Usage, request_to_json

_LISTS: Final[dict[str, str]] = {Provider.OPENAI_RESPONSES: "openai", Provider.ANTHROPIC_MESSAGES: "anthropic"}
_FRAMING_TOKENS: Final = 16  # what a provider adds around each message and tool
_BASE_TOKENS: Final = 1_000  # what a provider adds once, such as its own instructions for using tools


def cost(usage: Usage, *, provider: str, model: str, at: datetime, price_source: str | None = None) -> Decimal | None:
    """Return the price of ``usage`` in USD at the aware time ``at``; None where it is not known.

    ``price_source`` names a provider of the price list (such as ``groq``) for servers that speak another's protocol:
    the price of a Chat Completions server cannot be told from its model's name.
    """
    if provider == Provider.DEMO:
        return Decimal(0)
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    if usage.cached_tokens:
        counts["cache_read_tokens"] = min(usage.cached_tokens, usage.input_tokens)
    if usage.written_tokens:
        counts["cache_write_tokens"] = min(
            usage.written_tokens, usage.input_tokens - counts.get("cache_read_tokens", 0)
        )
    return _price(counts, provider, model, at, price_source)


def worst_case(
    request: ModelRequest, *, provider: str, model: str, at: datetime | None = None, price_source: str | None = None
) -> Decimal | None:
    """Return an upper bound in USD for sending ``request`` once; None where the price is not known.

    No tokenizer makes more than one token of a byte, so the UTF-8 bytes of everything sent bound the input; the
    dearest way of counting it is taken (a provider may charge more for what it writes to its cache).
    """
    if provider == Provider.DEMO:
        return Decimal(0)
    tokens = _most_input_tokens(request)
    counts = {"input_tokens": tokens, "output_tokens": request.max_output_tokens}
    prices = [
        _price(counts, provider, model, at, price_source),
        _price(counts | {"cache_write_tokens": tokens}, provider, model, at, price_source),
    ]
    return max((price for price in prices if price is not None), default=None)


def most_tokens(request: ModelRequest, *, provider: str) -> int:
    """Return an upper bound of the tokens of sending ``request`` once, with its answer; the demo planner has none."""
    return 0 if provider == Provider.DEMO else _most_input_tokens(request) + request.max_output_tokens


def _most_input_tokens(request: ModelRequest) -> int:
    sent = json.dumps(request_to_json(request), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return len(sent) + _BASE_TOKENS + _FRAMING_TOKENS * (len(request.messages) + len(request.tools))


def _price(
    counts: dict[str, int], provider: str, model: str, at: datetime | None, price_source: str | None
) -> Decimal | None:
    import genai_prices

    source = price_source or _LISTS.get(provider)
    if source is None:
        return None
    usage: dict[str, Any] = dict(counts)
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(**usage), model, provider_id=source, genai_request_timestamp=at
        )
    except (LookupError, ValueError):  # no such provider or model; counts that the list cannot price
        return None
    return found.total_price
