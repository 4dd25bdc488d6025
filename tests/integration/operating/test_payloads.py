"""Large bodies: stored once a workspace, read as if they stood where they belong, and gone with their last user."""

import json
from functools import partial

import pytest
from django.db import connection, transaction

from agents.erasing import WrittenDown
from agents.models import Run, Step
from agents.operations.emptying import empty_run
from agents.workflows.functions import Function, register
from tests.flows import Flows, step_of
from tests.house import at_once
from tools.models import Action
from workspaces.actors import System
from workspaces.database import ClockTimestamp
from workspaces.ids import uuid7
from workspaces.models import Payload, PayloadUse
from workspaces.payloads import LARGE, MARK, keep, let_go

BIG = "word " * (LARGE // 4)
BY = System("retention")
register(Function("test.huge", "", lambda: "x" * 50_000_000, {"type": "object"}))


def end(*runs):
    for run in runs:
        Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=ClockTimestamp())


def stored(model, row):
    """Return what stands in a row itself."""
    name = "output" if model is Step else "result"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}::text FROM {model._meta.db_table} WHERE id = %s", [row.id])
        return cursor.fetchone()[0]


@pytest.fixture
def flows(house, settings):
    settings.RETRY_BASE_SECONDS = 0
    return Flows(house)


@pytest.mark.django_db
def test_state_that_nodes_hand_on_is_stored_once_and_read_whole(flows):
    same = {"kind": "code", "function": "same", "arguments": {"value": {"$": "input.said"}}, "next": "b"}
    after = {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.a.output"}}, "next": "wait"}
    nodes = {
        "a": same,
        "b": after,
        "wait": {"kind": "wait", "for_seconds": 0, "next": "c"},
        "c": {**after, "next": None},
    }
    run = flows.run(nodes, {"said": BIG})
    assert (run.status, run.outcome["result"]) == ("succeeded", BIG), run.explanation
    assert [step_of(run, node).output["value"] for node in "abc"] == [BIG] * 3
    assert all(len(stored(Step, step_of(run, node))) < 200 for node in "abc")
    (payload,) = Payload.objects.all()
    assert (payload.body, payload.size, payload.uses.get().owner_id) == (BIG, len(BIG) + 2, run.id)


@pytest.mark.django_db
def test_state_of_50_mb_is_refused_in_a_sentence_and_stops_the_step_not_the_worker(flows):
    run = flows.run({"a": {"kind": "code", "function": "test.huge"}})
    assert run.status == "failed"
    assert "Its output has 50,000,002 bytes; a node may give 1,000,000. Let it give less." in run.explanation
    assert flows.run({"a": {"kind": "code", "function": "same", "arguments": {"value": 1}}}).status == "succeeded"
    assert not Payload.objects.exists()


@pytest.mark.django_db
def test_result_of_a_tool_stays_what_it_was_and_goes_with_the_last_run_that_has_it(house):
    house.world.says = {"text": BIG, "one": 1, "exactly": 1.0}
    first = house.execute(house.approved("change"))
    other = house.execute(house.approved("send"))
    assert first.result == Action.objects.get(pk=first.pk).result == {"said": house.world.says}
    assert type(Action.objects.get(pk=first.pk).result["said"]["exactly"]) is float
    assert len(stored(Action, first)) < 200
    assert Action.objects.get(pk=other.pk).attempts.get(kind="execute").evidence["result"] == first.result
    elsewhere = uuid7()
    with transaction.atomic():
        keep(first.result, workspace_id=first.workspace_id, owner_id=elsewhere)
    end(house.run)
    assert empty_run(run_id=house.run.id, by=BY)
    (left,) = Payload.objects.all()
    assert left.body == house.world.says
    assert let_go([elsewhere]) == 1
    assert not Payload.objects.exists()


@pytest.mark.django_db
def test_what_is_forgotten_stands_in_no_payload_any_more(house):
    house.world.says = f"SECRET {BIG}"
    action = house.execute(house.approved("change"))
    end(house.run)
    WrittenDown().erase(
        workspace_id=action.workspace_id, facts=[uuid7()], actions=[action.id], sessions=[], value="SECRET"
    )
    house.run.refresh_from_db()
    assert not any("SECRET" in str(one.body) for one in Payload.objects.all())
    assert not PayloadUse.objects.filter(payload=None).exists()


@pytest.mark.django_db
def test_value_that_looks_like_a_reference_is_read_as_it_was_said(house):
    """Another workspace's payload cannot be read by naming it."""
    with transaction.atomic():
        kept = keep({"said": BIG}, workspace_id=house.cast.elsewhere.id, owner_id=uuid7())
    house.world.says = dict(kept["said"])
    assert house.world.says.keys() == {MARK}
    action = house.execute(house.approved("change"))
    assert Action.objects.get(pk=action.pk).result == {"said": house.world.says}
    attempt = action.attempts.get(kind="execute")
    attempt.evidence = {"image": house.world.says}  # past what stores values apart
    attempt.save()
    attempt.refresh_from_db()
    assert attempt.evidence == {"image": json.dumps(house.world.says)}


@pytest.mark.django_db
def test_small_bodies_cost_no_statement(house, django_assert_num_queries):
    with django_assert_num_queries(0):
        small = {"value": [1, {"a": "b" * 1000}], "trusted": True, "text": "x" * 5000}
        assert keep(small, workspace_id=house.cast.workspace.id, owner_id=uuid7()) == small
        assert keep(None, workspace_id=house.cast.workspace.id, owner_id=uuid7()) is None


@pytest.mark.django_db(transaction=True)
def test_same_body_stored_and_let_go_at_once_is_one_row_or_none_and_never_lost(cast):
    owners = [uuid7() for _ in range(6)]

    def store(owner):
        with transaction.atomic():
            return keep({"said": BIG}, workspace_id=cast.workspace.id, owner_id=owner)

    def drop(owner):
        with transaction.atomic():
            return let_go([owner])

    at_once(*[partial(store, owner) for owner in owners[:3]])
    assert (Payload.objects.count(), PayloadUse.objects.count()) == (1, 3)
    at_once(*[partial(drop, owner) for owner in owners[:3]], *[partial(store, owner) for owner in owners[3:]])
    assert (Payload.objects.count(), PayloadUse.objects.count()) == (1, 3)
    at_once(*[partial(drop, owner) for owner in owners[3:]])
    assert (Payload.objects.count(), PayloadUse.objects.count()) == (0, 0)
