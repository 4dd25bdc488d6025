"""The parts of the story that could make it pass wrongly: its report, its forms, and the addresses it may reach."""

import pytest

from config.demo import ports
from config.demo.crm import tcp_address
from config.demo.story.forms import forms_of
from config.demo.story.report import NotSeen, Report, during, until

PAGE = """
<form method="get"><input name="search" value="x"></form>
<form method="post" action="/decide/">
<input type="hidden" name="kind" value="approve"><button name="b">Go</button></form>
<form METHOD="POST" action="/edit/">
  <input name="csrfmiddlewaretoken" value="t"><textarea name="body">
One &amp; two
  three</textarea>
  <select name="tier"><option value="silver">Silver</option><option value="gold" selected>Gold</option></select>
  <select name="first"><option value="a">A</option><option value="b">B</option></select>
  <input type="checkbox" name="off" value="1"><input type="checkbox" name="on" value="1" checked>
</form>
"""


def test_forms_are_read_as_a_browser_reads_them():
    decide, edit = forms_of(PAGE)
    assert (decide.action, decide.fields) == ("/decide/", {"kind": "approve"})
    assert edit.fields == {
        "csrfmiddlewaretoken": "t",
        "body": "One & two\n  three",
        "tier": "gold",
        "first": "a",
        "on": "1",
    }
    assert edit.choices == {"tier": ["silver", "gold"], "first": ["a", "b"]}
    assert decide.has((), {"kind": "approve"})
    assert not decide.has((), {"kind": "reject"})
    assert not decide.has(("body",), {})


def test_report_counts_what_differs_and_says_both(capsys):
    report = Report()
    report.check("It is so", True)
    report.check("It is two", 1, 2)
    report.find("It is told", "why", "because")
    report.broke(NotSeen("it never came"))
    assert (report.lines, report.failures, report.close()) == (4, 3, 1)
    said = capsys.readouterr().out
    assert "1 instead of 2" in said
    assert "NotSeen: it never came" in said
    assert Report().close() == 0


def test_what_does_not_come_is_not_seen():
    with pytest.raises(NotSeen, match="a miracle: not within 0 s"):
        until(lambda: None, "a miracle", seconds=0)
    seen = iter(range(1000))
    assert len(during(0.4, lambda: next(seen))) > 1


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://postgres@/countersign?host=%2Fvar%2Frun&port=5433", ("127.0.0.1", 5433)),
        ("postgresql://postgres:x@db.example:6000/countersign", ("db.example", 6000)),
        ("postgresql://postgres@db.example/countersign", ("db.example", 5432)),
    ],
)
def test_crm_is_reached_over_tcp(url, address):
    assert tcp_address(url) == address


def test_only_the_demos_own_systems_and_what_the_person_named_may_be_reached():
    environment = {
        "DATABASE_OWNER_URL": "postgresql://postgres@/countersign?host=%2Frun&port=5433",
        "DEMO_SMTP_PORT": "2525",
        "DEMO_INBOX_PORT": "8025",
    }
    assert ports.outbound(environment) == "127.0.0.1:5433,127.0.0.1:2525"
    named = {
        "OUTBOUND_ALLOWED": "10.0.0.5:5432",
        "OPENAI_BASE_URL": "http://localhost:11434/v1",
        "DEMO_STORY_PORT": "9",
    }
    assert ports.outbound(environment | named) == (
        "10.0.0.5:5432,127.0.0.1:5433,127.0.0.1:2525,127.0.0.1:9,localhost:11434"
    )
