"""Recording: what an event must look like, and that it is written with its change or not at all."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, models, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.ledger import canonical
from audit.ledger.contents import event_digest
from audit.ledger.errors import UnusableEvent
from audit.ledger.models import Event
from audit.ledger.recording import MAX_BODY_BYTES, Entry, record, record_many, salted_digest
from docs import verify_ledger

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


class Colour(models.TextChoices):
    RED = "red"


def event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "workspace_id": uuid4(),
        "actor": "system:test",
        "verb": "thing.changed",
        "subject": ("thing", uuid4()),
    }
    return record(**(values | changes))


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="inside transaction"):
        event()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_record_is_rolled_back_with_the_change_it_tells_of():
    with transaction.atomic():
        event()
        transaction.set_rollback(True)
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_record_keeps_the_digest_of_what_the_database_gives_back():
    at = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    written = event(
        body={"id": uuid4(), "amount": Decimal("12.50"), "when": at, "state": Colour.RED, "n": [1, None]}, at=at
    )
    stored = Event.objects.get(pk=written.pk)
    assert stored.digest == event_digest(stored)
    assert stored.body["amount"] == "12.50"
    assert stored.body["state"] == "red"
    assert stored.body["when"] == "2026-05-01T10:00:00.123456Z"
    assert (stored.epoch, stored.txid, stored.sequence) == (written.epoch, written.txid, written.sequence)


@pytest.mark.django_db
@hypothesis_settings(max_examples=50, deadline=None)
@given(body=st.dictionaries(texts, json_values, max_size=6))
def test_record_keeps_the_digest_of_any_body(body):
    stored = Event.objects.get(pk=event(body=body).pk)
    assert stored.digest == event_digest(stored)


@given(value=json_values)
def test_canonical_json_is_the_same_in_the_script_that_verifies_alone(value):
    assert canonical.canonical({"x": value}) == verify_ledger.content({"x": value}, ["x"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"actor": "somebody"}, "actor"),
        ({"actor": f"user:{uuid4()}\n"}, "actor"),
        ({"verb": "approved"}, "verb"),
        ({"verb": "action.approved\n"}, "verb"),
        ({"subject": ("", "1")}, "subject"),
        ({"subject": ("thing", "1" * 201)}, "subject"),
        ({"body": {"share": 0.5}}, "cannot hold a float"),
        ({"body": {"when": datetime(2026, 1, 1)}}, "cannot hold a datetime"),
        ({"body": {"text": "a\x00b"}}, "NUL"),
        ({"body": {"text": "\ud800"}}, "Sanitise"),
        ({"body": {1: "a"}}, "keys are text"),
        ({"body": {"n": 2**53}}, "exceeds"),
        ({"body": {"text": "x" * MAX_BODY_BYTES}}, "bytes"),
        ({"at": datetime(2026, 1, 1)}, "time zone"),
    ],
)
def test_record_refuses_what_could_not_be_verified_later(changes, sentence):
    with pytest.raises(UnusableEvent, match=sentence):
        event(**changes)
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_record_many_is_one_statement_and_keeps_the_order(django_assert_num_queries):
    workspace_id = uuid4()
    entries = [
        Entry(workspace_id=workspace_id, actor="system:test", verb="thing.changed", subject=("thing", str(n)))
        for n in range(50)
    ]
    with django_assert_num_queries(1):
        lines = record_many(entries)
    by_place = Event.objects.filter(workspace_id=workspace_id).order_by("epoch", "txid", "sequence")
    assert [event.subject_id for event in by_place] == [str(n) for n in range(50)]
    assert [line.place for line in lines] == [(event.epoch, event.txid, event.sequence) for event in by_place]
    assert all(event.digest == event_digest(event) for event in by_place)


@pytest.mark.django_db
def test_record_many_of_nothing_writes_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert record_many([]) == []


@pytest.mark.django_db
@pytest.mark.parametrize("forged", [{"txid": 3}, {"epoch": 9}])
def test_an_event_cannot_choose_its_place(forged):
    written = event()
    copy = Event(**{field.attname: getattr(written, field.attname) for field in Event._meta.fields} | forged)
    copy.id, copy.sequence = uuid4(), written.sequence + 1_000_000
    with pytest.raises(IntegrityError, match="takes its place"):
        copy.save(force_insert=True)


@pytest.mark.django_db
def test_time_defaults_to_now():
    before = datetime.now(UTC)
    assert before <= event().at <= datetime.now(UTC)


def test_salted_digest_depends_on_value_and_salt():
    digests = {salted_digest(value, salt) for value in ("a", "b") for salt in (b"x" * 16, b"y" * 16)}
    assert len(digests) == 4
    assert salted_digest("a", b"x" * 16) in digests


def test_salted_digest_refuses_a_short_salt():
    with pytest.raises(ValueError, match="16 random bytes"):
        salted_digest("a", b"short")
