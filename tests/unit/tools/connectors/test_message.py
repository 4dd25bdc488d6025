"""What may become an e-mail, and that nothing in it becomes anything but text."""

from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.connectors import message
from tools.connectors.base import Refused
from tools.connectors.message import ENCODED, HIDING, compose, message_id
from tools.connectors.registry import operation
from tools.connectors.smtp_session import dotted

OPTIONS = {"from": "support@demo.example"}
MAIL = {"to": "maria@example.com", "subject": "Hello", "body": "Text"}
SEND = operation("smtp", "mail.send")


def parsed(**changes):
    return message_from_bytes(compose(OPTIONS, {**MAIL, **changes}, "key").content, policy=policy.default)


@pytest.mark.parametrize(
    "address",
    [
        "", "maria", "@example.com", "maria@", "a@b@c", "a b@c.de", "a@exa mple.com", "a@example.com, b@example.com",
        "Maria <maria@example.com>", "<maria@example.com>", '"a"@example.com', "a@example.com\nBcc: x@example.com",
        "a@example.com\r", "a..b@example.com", ".a@example.com", "a@-example.com", "a@example..com", "a@[127.0.0.1]",
        "a\u202e@example.com", "a\u200b@example.com", "a\0@example.com", "x" * 65 + "@example.com", "a@" + "x" * 300,
        None, 5, ["a@example.com"], "a@example.com>", "a@example.com SIZE=1",
        "=?utf-8?q?a=40evil.example=2C?=@example.com",
    ],
)  # fmt: skip
def test_anything_but_one_plain_address_is_refused(address):
    with pytest.raises(Refused, match="plain e-mail address"):
        parsed(to=address)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "  ",
        "a\nBcc: b@example.com",
        "a\rb",
        "a\u2028b",
        "a\u202eb",
        "a\x00",
        "a\x85b",
        "a\u200bb",
        "a\U000e0042b",
        5,
    ],
)
def test_a_subject_that_breaks_or_hides_is_refused(subject):
    with pytest.raises(Refused, match="subject"):
        parsed(subject=subject)


@pytest.mark.parametrize(
    "body", ["", "\n \n", "a\x00b", "a\x1b[0m", "pay \u202e001\u202c", "a\u2066b", "a\u2060b", None]
)
def test_a_body_that_hides_is_refused(body):
    with pytest.raises(Refused, match="body"):
        parsed(body=body)


@pytest.mark.parametrize("word", ["=?utf-8?q?a=0d=0aBcc:_evil=40evil.example?=", "Hi =?utf-8?b?4oCuZXZpbA==?="])
def test_invariant_02_an_encoded_word_in_a_subject_becomes_no_header_and_no_other_text(word):
    with pytest.raises(Refused, match="subject"):
        parsed(subject=word)


def test_invariant_02_a_header_that_nobody_wrote_is_never_sent(monkeypatch):
    """Python 3.11 makes a header of this encoded word, which is refused; later ones may not make one."""
    monkeypatch.setattr(message, "ENCODED", "nothing")
    said = ""
    try:
        headers = parsed(subject="=?utf-8?q?a=0d=0aBcc:_evil=40evil.example?=").keys()
    except Refused as refusal:
        headers, said = [], refusal.message
    assert "Bcc" not in headers
    assert not said or "headers that nobody wrote" in said


@pytest.mark.parametrize(
    "address",
    ["a@stra\u00dfe.example", "a@\uff45xample.com", "a@evil\u3002com", "a@exam\u00adple.com", "a@e\u200bx.com"],
)
def test_invariant_02_a_domain_that_would_become_another_name_is_refused(address):
    with pytest.raises(Refused, match="plain e-mail address"):
        parsed(to=address)


@pytest.mark.parametrize("address", ["b%evil.example@example.com", "evil.example!b@example.com"])
def test_an_address_that_asks_to_be_passed_on_is_refused_where_domains_are_limited(address):
    with pytest.raises(Refused, match="pass the message on"):
        compose({**OPTIONS, "recipient_domains": ["example.com"]}, {**MAIL, "to": address}, "key")


def test_a_body_longer_than_the_tool_allows_is_refused():
    with pytest.raises(Refused, match="at most 3"):
        compose({**OPTIONS, "max_body_length": 3}, {**MAIL, "body": "four"}, "key")


def test_recipients_are_kept_to_the_allowed_domains():
    options = {**OPTIONS, "recipient_domains": ["example.com", "bücher.example"]}
    compose(options, {**MAIL, "to": "a@EXAMPLE.com"}, "key")
    compose(options, {**MAIL, "to": "a@bücher.example"}, "key")
    for other in ("a@evil-example.com", "a@example.com.evil.example", "a@sub.example.com"):
        with pytest.raises(Refused, match="may not write"):
            compose(options, {**MAIL, "to": other}, "key")


@pytest.mark.parametrize(
    "change",
    [{"from": None}, {"recipient_domains": []}, {"recipient_domains": "x"}, {"max_body_length": 0}, {"from": "a\n@b"}],
    ids=str,
)
def test_unusable_options_are_refused(change):
    with pytest.raises(Refused):
        SEND.schema({**OPTIONS, **change})


def test_schema_carries_the_tools_limit():
    schema = SEND.schema({**OPTIONS, "max_body_length": 99})
    assert schema["properties"]["body"]["maxLength"] == 99
    assert schema["required"] == ["to", "subject", "body"]
    assert schema["additionalProperties"] is False


def test_the_message_id_belongs_to_the_key():
    assert message_id(OPTIONS, "a") == message_id(OPTIONS, "a") != message_id(OPTIONS, "b")
    assert message_id(OPTIONS, "a").endswith("@demo.example>")


def test_a_key_that_could_break_the_header_is_refused():
    with pytest.raises(Refused, match="key"):
        compose(OPTIONS, MAIL, "a\nb")


def test_nothing_after_the_fact():
    assert SEND.undo(MAIL, None, None) is None
    assert SEND.predict(MAIL, None) is None


VISIBLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]).filter(lambda one: not HIDING.search(one))


@given(
    subject=st.text(VISIBLE, min_size=1, max_size=255).filter(lambda text: text.strip() and ENCODED not in text),
    body=st.text(VISIBLE | st.sampled_from("\n\t."), max_size=300).filter(str.strip),
)
def test_what_is_approved_is_what_is_read(subject, body):
    content = compose(OPTIONS, {**MAIL, "subject": subject, "body": body}, "key").content
    message = message_from_bytes(content, policy=policy.default)
    assert content.isascii()
    assert message.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "X-Countersign-Action",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    ]  # fmt: skip
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")
    assert "".join(message["Subject"].split()) == "".join(subject.split())


@given(st.binary(max_size=200))
def test_no_line_of_a_message_can_end_it_early(content):
    sent = dotted(content)
    assert sent.endswith(b"\r\n")
    lines = sent[:-2].split(b"\r\n")
    assert b"." not in lines
    assert not any(b"\n" in line or b"\r" in line for line in lines)
