"""The provider-neutral shapes, tool names, prices, and what importing them costs."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.providers import (
    AssistantTurn,
    Endpoint,
    ModelAnswer,
    ModelRequest,
    Stop,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    UserText,
    answer_from_json,
    answer_to_json,
    complete,
    message_from_json,
    request_from_json,
    request_to_json,
)
from agents.providers.failures import retry_after
from agents.providers.names import ToolNames
from agents.providers.openai_chat import own_parameters
from agents.providers.pricing import cost, most_tokens, worst_case
from workspaces.errors import InvalidInput

AT = datetime(2026, 6, 1, tzinfo=UTC)
CALL = ToolCall("c1", "crm.find", {"email": "a@b.example"}, '{"email": "a@b.example"}')
REQUEST = ModelRequest(
    "Be brief.",
    (UserText("Hello"), AssistantTurn("Looking.", (CALL,)), ToolResult("c1", "crm.find", "{}", True)),
    (ToolSpec("crm.find", "Find.", {"type": "object"}, "read"),),
    1000,
)


def test_request_survives_json() -> None:
    assert request_from_json(json.loads(json.dumps(request_to_json(REQUEST)))) == REQUEST


def test_answer_survives_json() -> None:
    broken = ToolCall("c2", "crm.find", None, "{oops", "Not JSON.")
    answer = ModelAnswer("Hi", "Thinking", (CALL, broken), Stop.CALLS, Usage(1, None, 0), "m", "r")
    assert answer_from_json(json.loads(json.dumps(answer_to_json(answer)))) == answer
    assert answer.turn == AssistantTurn("Hi", (CALL, broken))


@pytest.mark.parametrize("value", [{"role": "system", "text": "x"}, {}, {"role": "user", "body": "x"}])
def test_unknown_message_is_refused(value: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="message"):
        message_from_json(value)


def test_invariant_15_key_is_not_in_the_endpoints_repr() -> None:
    assert "secret" not in repr(Endpoint("openai-chat", "m", "https://x.example", "secret"))


def test_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        complete(Endpoint("telepathy", "m"), REQUEST)
    assert "anthropic-messages" in caught.value.hint


@given(st.sets(st.one_of(st.from_regex(r"[a-z_.-]{1,70}", fullmatch=True), st.text(max_size=80)), max_size=20))
def test_tool_names_map_one_to_one(names: set[str]) -> None:
    mapping = ToolNames(names)
    sent = {name: mapping.safe(name) for name in names}
    assert len(set(sent.values())) == len(names)
    assert all(mapping.ours(safe) == name for name, safe in sent.items())
    assert all(0 < len(safe) <= 64 and safe.isascii() for safe in sent.values())


def test_tool_names_that_clash_keep_apart_and_acceptable_ones_stay() -> None:
    mapping = ToolNames(["a.b", "a_b", "a-b", "a b"])
    assert (mapping.safe("a_b"), mapping.safe("a-b")) == ("a_b", "a-b")
    assert len({mapping.safe(name) for name in ("a.b", "a_b", "a-b", "a b")}) == 4
    assert mapping.ours("nothing") is None
    assert mapping.safe("not.in.the.set") == "not_in_the_set"


def test_importing_providers_imports_no_sdk() -> None:
    script = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; import agents.providers; "
        "import agents.providers.pricing; "
        "print([name for name in ('openai', 'anthropic', 'genai_prices') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_known_price_is_exact() -> None:
    usage = Usage(1_000_000, 100_000, 0)
    assert cost(usage, provider="anthropic-messages", model="claude-sonnet-4-6", at=AT) is not None
    assert cost(usage, provider="openai-responses", model="gpt-4o-mini", at=AT) == Decimal("0.21")


def test_cached_tokens_cost_less() -> None:
    fresh = cost(Usage(1_000_000, 0, 0), provider="openai-responses", model="gpt-4o-mini", at=AT)
    cached = cost(Usage(1_000_000, 0, 1_000_000), provider="openai-responses", model="gpt-4o-mini", at=AT)
    assert fresh is not None
    assert cached is not None
    assert 0 < cached < fresh


def test_tokens_written_to_the_cache_cost_more_and_no_more_than_the_worst_case() -> None:
    priced = {"provider": "anthropic-messages", "model": "claude-sonnet-4-6", "at": AT}
    fresh = cost(Usage(1_000_000, 0), **priced)
    written = cost(Usage(1_000_000, 0, 0, 1_000_000), **priced)
    mixed = cost(Usage(1_000_000, 0, 900_000, 900_000), **priced)
    assert fresh is not None
    assert written is not None
    assert mixed is not None
    assert mixed < fresh < written == fresh * Decimal("1.25")
    most = worst_case(REQUEST, provider="anthropic-messages", model="claude-sonnet-4-6", at=AT)
    tokens = most_tokens(REQUEST, provider="anthropic-messages") - REQUEST.max_output_tokens
    assert cost(Usage(tokens, REQUEST.max_output_tokens, 0, tokens), **priced) == most


def test_only_openai_itself_is_sent_a_cache_key_over_chat_completions() -> None:
    request = ModelRequest("s", (), max_output_tokens=9, cache_key="k")
    for url in ("", "https://eu.api.openai.com/v1", "https://here.azure.com/x"):
        sent = own_parameters(Endpoint("openai-chat", "m", url), request)
        assert sent == {"max_completion_tokens": 9, "prompt_cache_key": "k"}
    assert own_parameters(Endpoint("openai-chat", "m", "http://127.0.0.1:1/v1"), request) == {"max_tokens": 9}


@pytest.mark.parametrize(
    ("usage", "provider", "model"),
    [
        (Usage(1, 1, 0), "openai-responses", "nobody-knows-this-model"),
        (Usage(1, 1, 0), "openai-chat", "gpt-4o-mini"),
        (Usage(None, 1, 0), "openai-responses", "gpt-4o-mini"),
        (Usage(1, None, 0), "openai-responses", "gpt-4o-mini"),
        (Usage(1, 1, 0), "telepathy", "gpt-4o-mini"),
    ],
)
def test_unknown_price_is_unknown_and_not_zero(usage: Usage, provider: str, model: str) -> None:
    assert cost(usage, provider=provider, model=model, at=AT) is None


def test_price_source_prices_a_compatible_server() -> None:
    assert cost(Usage(10, 10), provider="openai-chat", model="gpt-4o-mini", at=AT, price_source="openai")
    assert cost(Usage(10, 10), provider="openai-chat", model="gpt-4o-mini", at=AT, price_source="nobody") is None


def test_demo_planner_costs_nothing() -> None:
    assert cost(Usage(), provider="demo", model="demo-planner", at=AT) == Decimal(0)
    assert worst_case(REQUEST, provider="demo", model="demo-planner") == Decimal(0)


@given(st.text(max_size=2000))
def test_invariant_16_worst_case_is_above_what_the_same_request_can_cost(text: str) -> None:
    request = ModelRequest(text, (UserText(text),), REQUEST.tools, 700)
    most = worst_case(request, provider="anthropic-messages", model="claude-sonnet-4-6", at=AT)
    used = Usage(len(text.encode("utf-8", "surrogatepass")) * 2, 700, 0)
    spent = cost(used, provider="anthropic-messages", model="claude-sonnet-4-6", at=AT)
    assert most is not None
    assert spent is not None
    assert most > spent


def test_worst_case_of_an_unknown_price_is_unknown() -> None:
    assert worst_case(REQUEST, provider="openai-chat", model="llama") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("3", 3.0), ("-3", 0.0), ("1e9", 86400.0), ("nan", None), ("inf", None), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("Wed, 21 Oct 2015 07:28:00", None)],
)  # fmt: skip
def test_retry_after_is_read_carefully(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def test_retry_after_date_is_seconds_from_now() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(120, abs=5)
