"""The pages of facts: found, traced to their source, corrected and forgotten, by whoever may steer the agent."""

import pytest

from agents.models import Run
from memory.models import Fact, Session
from memory.operations.facts import Origin, Subject, claim_fact
from tests.factories import SETUP

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject(asked):
    Run.objects.update(status="succeeded", finished_at=asked.created_at)  # nothing that was told of it goes on
    session = Session.objects.get()
    return Subject(session.workspace_id, session.agent_id, session.subject_kind, session.subject_ref)


def claim(subject, value="vegan", key="diet"):
    return claim_fact(subject=subject, key=key, value=value, origin=Origin("step 3 <b>", "untrusted"), by=SETUP)


def text(answer):
    return answer.content.decode()


def test_facts_are_listed_and_narrowed_for_whoever_sees_the_agent(browse, subject, statements):
    claim(subject)
    reviewer = browse("reviewer")
    few = statements(reviewer, "/facts/")
    for number in range(30):
        claim(subject, number, f"key_{number}")
    assert statements(reviewer, "/facts/") == few <= 25
    page = reviewer.get("/facts/?page=2")
    assert [row.key for row in page.context["facts"]] == ["diet"]
    named = f"{subject.kind} {subject.ref}"
    for query, count in [
        (f"subject={named}", 30), (f"subject={subject.ref[:3]}", 30), ("subject=somebody else", 0),
        ("agent=nobody", 0), ("status=closed", 0), ("status=%00", 30),
    ]:  # fmt: skip
        assert len(reviewer.get(f"/facts/?{query}").context["facts"]) == count, query
    for name in ("member", "stranger"):
        assert "vegan" not in text(browse(name).get("/facts/"))


def test_a_fact_tells_its_source_and_history_inertly(browse, subject):
    old = claim(subject, "<script>alert(1)</script>")
    new = claim(subject)
    page = text(browse("reviewer").get(f"/facts/{new.id}/"))
    assert f"/facts/{old.id}/" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "step 3 &lt;b&gt;" in page
    closed = text(browse("reviewer").get(f"/facts/{old.id}/"))
    assert "Correct it" not in closed
    assert "Replaced" in closed


@pytest.mark.parametrize(
    ("kind", "typed", "value"), [("text", "vegetarian", "vegetarian"), ("number", "3.5", 3.5), ("truth", "True", True)]
)
def test_a_fact_is_corrected_and_the_word_of_a_person_is_trusted(browse, subject, kind, typed, value):
    fact = claim(subject)
    answer = browse("reviewer").post(f"/facts/{fact.id}/correct/", {"kind": kind, "value": typed})
    now = Fact.objects.valid().get()
    assert (answer.status_code, answer["Location"]) == (302, f"/facts/{now.id}/")
    assert (now.value, now.trust) == (value, "trusted")
    assert browse("reviewer").post(f"/facts/{fact.id}/correct/", {"kind": "text", "value": "x"}).status_code == 409


def test_a_fact_ends_where_nothing_is_true_any_more(browse, subject):
    fact = claim(subject)
    assert browse("reviewer").post(f"/facts/{fact.id}/correct/", {"kind": "nothing"}).status_code == 302
    fact.refresh_from_db()
    assert fact.status == "ended"


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("text", "  ", "Write what is true instead"), ("number", "many", "Write a number"),
        ("number", "true", "Write a number"),
        ("number", "NaN", "Write a number"), ("truth", "perhaps", "Write true or false"), ("text", "x" * 1001, "1000"),
        ("other", "typed", "valid choice"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_said_in_the_form(browse, subject, kind, typed, words):
    fact = claim(subject)
    answer = browse("reviewer").post(f"/facts/{fact.id}/correct/", {"kind": kind, "value": typed})
    assert answer.status_code == 422
    assert words in text(answer)
    assert Fact.objects.valid().get().value == "vegan"


def test_forgetting_is_asked_for_first_and_leaves_nothing(browse, subject):
    fact, reviewer = claim(subject), browse("reviewer")
    assert "cannot be undone" in text(reviewer.get(f"/facts/{fact.id}/forget/"))
    assert Fact.objects.exists()
    receipt = reviewer.post(f"/facts/{fact.id}/forget/")
    assert (receipt.status_code, receipt["Cache-Control"]) == (200, "no-store")
    assert len(receipt.context["receipt"].salt) == 64
    assert "vegan" not in text(receipt)
    assert not Fact.objects.exists()
    assert reviewer.get(f"/facts/{fact.id}/").status_code == 404
    assert reviewer.post(f"/facts/{fact.id}/forget/").status_code == 404


@pytest.mark.parametrize("saw", [True, False], ids=["it has answered", "it is being asked at this moment"])
def test_a_fact_that_a_live_run_may_have_been_told_of_is_not_forgotten(browse, asked, subject, saw):
    fact = claim(subject)
    Run.objects.update(status="waiting", finished_at=None)
    step = asked.steps.filter(kind="model").first()
    step.output = {**(step.output or {}), "saw": [{"kind": "fact", "id": str(fact.id)}] if saw else []}
    step.save()
    answer = browse("reviewer").post(f"/facts/{fact.id}/forget/")
    assert (answer.status_code, "goes on" in text(answer)) == (409, True)
    assert Fact.objects.exists()
