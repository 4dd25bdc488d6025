"""What the three adapters make of everything that is not a whole answer."""

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.test import override_settings

from agents.providers import Endpoint, ModelRequest, RetryClass, complete, errors
from tests.integration.providers.conftest import KEY
from tests.integration.providers.dialects import Dialect
from tests.integration.providers.server import Drip, Flood, Hang, ModelServer, answer, chunked, stream
from tests.serving import until
from tests.timing import ends_within

WANTED = '{"email": "a@b.example"}'


def fail(endpoint: Endpoint, request: ModelRequest) -> errors.ModelError:
    with pytest.raises(errors.ModelError) as caught:
        complete(endpoint, request)
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


@pytest.mark.parametrize("whole", [True, False], ids=["ended", "broken"])
def test_stream_cut_in_the_middle_is_never_half_an_answer(server, dialect, endpoint, question, whole) -> None:
    body = dialect.open() + dialect.text("Half") + dialect.calls([("c1", "crm_customer_find", WANTED)])
    server.script = chunked(body, whole=whole)
    error = fail(endpoint, question)
    assert isinstance(error, errors.StreamCut)
    assert error.may_have_cost
    assert len(server.requests) == 1


def test_stream_cut_inside_an_event(server, dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.text("Half")[:-9])
    assert fail(endpoint, question).may_have_cost
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "expected", "retry", "cost"),
    [
        ("401 Unauthorized", "authentication_error", errors.WrongKey, RetryClass.ELSEWHERE, False),
        ("402 Payment Required", "billing_error", errors.QuotaSpent, RetryClass.ELSEWHERE, False),
        ("403 Forbidden", "permission_error", errors.NotPermitted, RetryClass.ELSEWHERE, False),
        ("404 Not Found", "not_found_error", errors.ModelNotFound, RetryClass.ELSEWHERE, False),
        ("400 Bad Request", "invalid_request_error", errors.BadRequest, RetryClass.GIVE_UP, False),
        ("413 Too Large", "request_too_large", errors.ContextTooLong, RetryClass.SHORTEN, False),
        ("429 Too Many", "insufficient_quota", errors.QuotaSpent, RetryClass.ELSEWHERE, False),
        ("500 Oops", "api_error", errors.ProviderFailed, RetryClass.LATER, True),
        ("529 Overloaded", "overloaded_error", errors.Overloaded, RetryClass.LATER, False),
        ("307 Temporary Redirect", "moved", errors.Unreachable, RetryClass.LATER, False),
    ],
)
def test_status_says_what_to_do(server, dialect, endpoint, question, status, kind, expected, retry, cost) -> None:
    headers = {"location": f"{server.url}/elsewhere"} if status.startswith("307") else {}
    server.script = answer(dialect.error(kind, f"No, said to {KEY}."), status, **headers)
    error = fail(endpoint, question)
    assert type(error) is expected
    assert (error.retry, error.may_have_cost) == (retry, cost)
    assert error.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "said",
    ["This model's maximum context length is 8192 tokens.", "prompt is too long: 300000 tokens > 200000 maximum"],
)
def test_context_too_long_asks_to_shorten(server, dialect, endpoint, question, said) -> None:
    server.script = answer(dialect.error("invalid_request_error", said), "400 Bad Request")
    error = fail(endpoint, question)
    assert isinstance(error, errors.ContextTooLong)
    assert error.retry is RetryClass.SHORTEN


def test_rate_limit_in_seconds(server, dialect, endpoint, question) -> None:
    server.script = answer(dialect.error("rate_limit_error", "Slow down."), "429 Too Many", retry_after="7.5")
    error = fail(endpoint, question)
    assert isinstance(error, errors.RateLimited)
    assert (error.retry, error.retry_after, error.may_have_cost) == (RetryClass.LATER, 7.5, False)
    assert len(server.requests) == 1


def test_rate_limit_as_a_date(server, dialect, endpoint, question) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.script = answer(dialect.error("rate_limit_error", "Slow down."), "429 Too Many", retry_after=date)
    error = fail(endpoint, question)
    assert error.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rate_limit_exceeded", errors.RateLimited),
        ("overloaded_error", errors.Overloaded),
        ("server_error", errors.ProviderFailed),
    ],
)
def test_error_event_in_the_stream_may_have_cost(server, dialect, endpoint, question, kind, expected) -> None:
    server.script = stream(dialect.open(), dialect.text("Half"), dialect.failure(kind))
    error = fail(endpoint, question)
    assert type(error) is expected
    assert error.may_have_cost
    assert len(server.requests) == 1


@pytest.mark.parametrize("before", [[], ["open"]], ids=["before the headers", "in the stream"])
def test_hang_ends_at_the_deadline(server, dialect, endpoint, question, before) -> None:
    server.script = [*(stream(dialect.open()) if before else []), Hang()]

    def ask() -> bool:
        server.requests.clear()
        error = fail(replace(endpoint, deadline_seconds=0.3), question)
        assert isinstance(error, errors.TimedOut)
        return error.may_have_cost  # not on a machine so busy that the time was over before the call went out

    assert ends_within(3, ask)
    until(lambda: server.requests)
    assert len(server.requests) == 1


def test_drip_ends_at_the_deadline(server, dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), Drip())

    def ask() -> None:
        server.requests.clear()
        assert isinstance(fail(replace(endpoint, deadline_seconds=0.5), question), errors.TimedOut)

    assert ends_within(3, ask)
    until(lambda: server.requests)
    assert len(server.requests) == 1


def test_deadline_counts_from_the_start_and_not_from_the_last_byte(server, question) -> None:
    server.script = stream(Drip(seconds=1), Hang())
    endpoint = Endpoint("openai-chat", "m", server.url, KEY, deadline_seconds=1.5)

    def ask() -> None:
        assert isinstance(fail(endpoint, question), errors.TimedOut)

    assert ends_within(2.2, ask)


def test_providers_words_about_a_wrong_key_are_not_repeated(server, dialect, endpoint, question) -> None:
    server.script = answer(dialect.error("authentication_error", "Incorrect key: sk-sec***test"), "401 Unauthorized")
    assert "sk-sec" not in fail(endpoint, question).message


def test_answer_that_never_ends_is_cut_off(server, dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), Flood(dialect.text("x" * 50_000)))
    error = fail(endpoint, question)
    assert isinstance(error, errors.AnswerTooLarge)
    assert error.may_have_cost
    assert len(server.requests) == 1


def test_more_than_64_calls_are_cut_off(server, dialect, endpoint, question) -> None:
    calls = [(f"c{number}", "crm_customer_find", WANTED) for number in range(65)]
    server.script = stream(dialect.open(), dialect.calls(calls), dialect.close("calls"), dialect.end)
    assert isinstance(fail(endpoint, question), errors.AnswerTooLarge)


def test_flood_of_nothing_is_cut_off_by_its_bytes(server, dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), Flood(b": " + b"x" * 65_000 + b"\n\n"))
    assert isinstance(fail(replace(endpoint, deadline_seconds=60), question), errors.AnswerTooLarge)


def test_invariant_01_work_of_a_hosted_tool_is_refused(server, dialect, endpoint, question) -> None:
    server.script = stream(
        dialect.open(), dialect.foreign(), dialect.text("It is sunny."), dialect.close("end"), dialect.end
    )
    error = fail(endpoint, question)
    assert isinstance(error, errors.ForeignToolOutput)
    assert (error.retry, error.may_have_cost) == (RetryClass.GIVE_UP, True)


def test_empty_answer_is_an_error(server, dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.close("end"), dialect.end)
    assert isinstance(fail(endpoint, question), errors.EmptyAnswer)


@pytest.mark.parametrize(
    "junk",
    [b"event: x\ndata: {not json\n\n", b'event: x\ndata: "text"\n\n', b"event: x\ndata: \xff\xfe\n\n",
     b"event: x\ndata: " + b"[" * 100_000 + b"\n\n"],
    ids=["no json", "no object", "no utf-8", "deep"],
)  # fmt: skip
def test_unreadable_stream_is_an_error(server, dialect, endpoint, question, junk) -> None:
    server.script = stream(dialect.open(), junk.replace(b"event: x", b"event: message_start"))
    error = fail(endpoint, question)
    assert isinstance(error, errors.UnreadableAnswer)
    assert len(server.requests) == 1


def test_web_page_instead_of_an_answer_is_an_error(server, dialect, endpoint, question) -> None:
    server.script = answer(b"<html>Welcome</html>", **{"content-type": "text/html"})
    assert isinstance(fail(endpoint, question), errors.StreamCut)


def test_refused_connection_cost_nothing(dialect: Dialect, question) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with override_settings(OUTBOUND_ALLOWED=[f"127.0.0.1:{port}"]):
        error = fail(Endpoint(dialect.provider, "m", f"http://127.0.0.1:{port}", KEY), question)
    assert isinstance(error, errors.Unreachable)
    assert not error.may_have_cost


def test_address_inside_is_refused_before_anything_is_sent(server: ModelServer, dialect, endpoint, question) -> None:
    with override_settings(OUTBOUND_ALLOWED=[]):
        error = fail(endpoint, question)
    assert isinstance(error, errors.AddressRefused)
    assert "127.0.0.1" in error.message
    assert (error.may_have_cost, server.requests) == (False, [])


def test_proxy_of_the_environment_is_not_used(monkeypatch, server, dialect, endpoint, question) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.script = stream(dialect.open(), dialect.text("Hello"), dialect.close("end"), dialect.end)
    assert complete(endpoint, question).text == "Hello"


def test_compressed_answer_is_refused(server, dialect, endpoint, question) -> None:
    server.script = answer(b"\x1f\x8b", **{"content-encoding": "gzip"})
    assert isinstance(fail(endpoint, question), errors.StreamCut)


@pytest.mark.parametrize("key", ["", "sk-\n", "schlüssel"])
def test_key_that_cannot_be_one_is_not_sent(server, dialect, endpoint, question, key) -> None:
    if dialect.provider == "openai-chat" and not key:
        server.script = stream(dialect.open(), dialect.text("Hello"), dialect.close("end"), dialect.end)
        assert complete(replace(endpoint, api_key=key), question).text == "Hello"
        return
    with pytest.raises(errors.WrongKey):
        complete(replace(endpoint, api_key=key), question)
    assert server.requests == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://[bad", "nonsense", "http://"])
def test_address_that_is_no_url_is_an_error(dialect, question, url) -> None:
    assert isinstance(fail(Endpoint(dialect.provider, "m", url, KEY), question), errors.ModelError)


def test_environments_identity_is_not_sent(monkeypatch, server, dialect, endpoint, question) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-operator")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-the-operator")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-the-operator")
    server.script = stream(dialect.open(), dialect.text("Hello"), dialect.close("end"), dialect.end)
    complete(endpoint, question)
    assert "of-the-operator" not in str(server.requests[0].headers)
