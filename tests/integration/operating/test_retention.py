"""What a run said goes when it is old enough; who did and decided what stays, and the ledger still verifies."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from agents.engine.workers import forget_workers, heartbeat
from agents.models import Run, Worker
from agents.operations import preview_rollback
from agents.operations.emptying import REMOVED, empty_old_runs, empty_run
from approvals.models import Decision, Request, Verdict
from audit.ledger import signing
from audit.ledger.models import Event
from memory.models import Message, MessageRole, Trust
from memory.operations import append_message, session_for
from tests.factories import SETUP
from tools.models import Action, ActionAttempt, UsageRecord
from workspaces.actors import System
from workspaces.ids import uuid7
from workspaces.models.salt import Salt

pytestmark = pytest.mark.django_db
MARK = "MARKED-WORDS"
BY = System("retention")


@pytest.fixture
def old(house):
    """Return a run that ended forty days ago, with marked words in everything that it and people said."""
    run, cast = house.run, house.cast
    house.world.record["value"] = MARK
    done = house.execute(house.approved("change", arguments={"name": "ada", "value": MARK}))
    assert done.status == "succeeded"
    house.answer(house.asked("send", arguments={"name": "bob", "value": MARK}), "reject", reason=f"No: {MARK}")
    session = session_for(
        workspace_id=cast.workspace.id, agent_id=house.agent.id, subject_kind="customer", subject_ref="1", by=SETUP
    )
    said = {"role": MessageRole.REQUESTER, "source": "ticket", "trust": Trust.UNTRUSTED, "text": MARK, "by": SETUP}
    append_message(session=session, run_id=run.id, **said)
    append_message(session=session, run_id=uuid7(), **said)
    UsageRecord.objects.create(
        workspace=cast.workspace, step_id=uuid7(), run_id=run.id, agent_id=house.agent.id, attempt=1, provider="p",
        model="m", latency_ms=1, outcome="failed", explanation=MARK, cost=1,
    )  # fmt: skip
    run.steps.update(status="succeeded", explanation=MARK, output={"answer": {"text": MARK}}, input={"raw": MARK})
    Run.objects.filter(pk=run.pk).update(
        status="succeeded", finished_at=datetime.now(UTC) - timedelta(days=40), title=MARK, input={"text": MARK},
        outcome={"text": MARK}, explanation=MARK, started_at=datetime.now(UTC) - timedelta(days=41),
    )  # fmt: skip
    return Run.objects.get(pk=run.pk)


def words_left():
    """Return the tables in which the mark still stands, looked for in every column as text."""
    tables = [m._meta.db_table for m in (Run, Action, ActionAttempt, Verdict, Request, Decision, UsageRecord, Message)]
    found = {}
    with connection.cursor() as cursor:
        for table in [*tables, "agents_step", "ledger_event"]:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{MARK}%"])
            if count := cursor.fetchone()[0]:
                found[table] = count
    return found


def test_what_was_said_goes_and_what_happened_stays(old, house, settings):
    settings.LEDGER_SIGNING_KEY, settings.LEDGER_WITNESS_FILE = signing.new_seed(), ""
    assert {"agents_run", "agents_step", "tools_action", "approvals_request", "memory_message"} <= words_left().keys()
    before = {
        model: model.objects.count() for model in (Action, ActionAttempt, Verdict, Request, Decision, UsageRecord)
    }
    digests = set(Request.objects.values_list("evidence_digest", flat=True))
    settings.RETENTION_DAYS = 41
    assert empty_old_runs() == 0
    settings.RETENTION_DAYS = 30
    assert (empty_old_runs(), empty_old_runs()) == (1, 0)

    assert words_left() == {"memory_message": 1}
    assert before == {model: model.objects.count() for model in before}
    assert set(Request.objects.values_list("evidence_digest", flat=True)) == digests
    assert sorted(Decision.objects.values_list("kind", "reason")) == [("approve", ""), ("reject", REMOVED)]
    assert not Salt.objects.filter(scope_id=old.id).exists()
    assert Event.objects.get(verb="run.emptied").body == {"actions": 2, "requests": 2, "messages": 1}
    event = Event.objects.filter(verb="run.emptied").get()
    assert (event.actor, event.subject_id) == ("system:retention", str(old.id))


def test_pages_of_an_emptied_run_say_so_and_it_cannot_be_rolled_back(old, house, client):
    empty_run(run_id=old.id, by=BY)
    client.force_login(house.cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/runs/{old.id}/")
    assert page.status_code == 200
    assert REMOVED in page.content.decode()
    reviewer = house.cast.reviewer
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    for request in Request.objects.all():
        assert client.get(reverse("approvals:request", kwargs={"request_id": request.id})).status_code == 200
    preview = preview_rollback(run_id=old.id, by=house.cast.owner)
    assert [item["verdict"] for item in preview.plan] == ["impossible"]


def test_nothing_goes_while_something_is_not_over_or_no_age_is_set(old, house, settings):
    assert empty_old_runs() == 0
    house.in_doubt(run_id=old.id)
    settings.RETENTION_DAYS = 1
    assert empty_old_runs() == 0
    Action.objects.filter(status="in_doubt").update(status="failed")
    rollback = preview_rollback(run_id=old.id, by=house.cast.owner)
    assert empty_old_runs() == 0
    Run.objects.filter(pk=rollback.pk).update(status="cancelled", finished_at=datetime.now(UTC))
    assert empty_old_runs() == 1
    assert empty_run(run_id=house.run.id, by=BY) is False


def test_the_guards_hold_for_everything_else(old):
    empty_run(run_id=old.id, by=BY)
    for rows, change in ((Action, {"arguments": {}}), (Verdict, {"inputs": {}}), (Decision, {"reason": "x"})):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.objects.update(**{name: [1] if value == {} else value for name, value in change.items()})


def test_the_command_counts_and_empties(old):
    said = StringIO()
    with pytest.raises(CommandError, match="nothing is removed without an age"):
        call_command("empty_runs")
    call_command("empty_runs", "--days", "30", "--check", stdout=said)
    call_command("empty_runs", "--days", "30", stdout=said)
    assert said.getvalue().splitlines() == [
        "1 runs ended more than 30 days ago and would be emptied.",
        "1 runs that ended more than 30 days ago hold nothing any more of what was said.",
    ]


def test_rows_of_workers_are_forgotten_after_a_month(db):
    heartbeat()
    Worker.objects.create(name="old")
    Worker.objects.filter(name="old").update(heartbeat_at=datetime.now(UTC) - timedelta(days=31))
    assert forget_workers() == 1
    assert not Worker.objects.filter(name="old").exists()
