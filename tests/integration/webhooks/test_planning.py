"""From the ledger's events to deliveries: none skipped, none doubled, none of another workspace."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Response

from audit.ledger.models import Event
from audit.ledger.recording import record
from audit.models import Delivery
from audit.operations import create_endpoint, ping, redeliver_since, update_endpoint
from audit.webhooks import planning
from audit.webhooks.claims import AT_ONCE, claim_due
from audit.webhooks.courier import Courier, deliver, forget_deliveries
from audit.webhooks.planning import plan_deliveries
from tests.factories import SETUP
from tests.integration.webhooks.conftest import carry, plan, settle
from workspaces.actors import actor_text

pytestmark = pytest.mark.django_db(transaction=True)


def happen(workspace, verb="thing.changed", times=1):
    with transaction.atomic():
        return [
            record(workspace_id=workspace.id, actor=actor_text(SETUP), verb=verb, subject=("thing", f"{number}"))
            for number in range(times)
        ]


def written(endpoint):
    return list(Delivery.objects.filter(endpoint=endpoint).order_by("id").values_list("verb", flat=True))


def test_what_happens_after_its_making_reaches_an_endpoint_once(cast, endpoint, receiver):
    happen(cast.workspace)
    plan()
    assert plan() == 0
    assert written(endpoint) == ["webhook_endpoint.created", "thing.changed"]
    carry()
    assert sorted(receiver.told()) == ["thing.changed", "webhook_endpoint.created"]
    plan()
    assert Event.objects.filter(verb="delivery.delivered").count() == 2
    assert carry() == []


def test_invariant_14_events_of_another_workspace_are_never_sent(cast, endpoint):
    theirs = create_endpoint(workspace=cast.elsewhere, url="https://example.org/", by=cast.stranger).endpoint
    happen(cast.elsewhere, "their.thing")
    happen(cast.workspace, "our.thing")
    plan()
    assert written(endpoint) == ["webhook_endpoint.created", "our.thing"]
    assert written(theirs) == ["webhook_endpoint.created", "their.thing"]


def test_only_the_wanted_verbs_and_families_are_sent(cast, receiver):
    made = create_endpoint(
        workspace=cast.workspace, url=receiver.url, by=cast.owner, verbs=["request.opened", "action.*"]
    )
    for verb in ("request.opened", "request.closed", "action.failed", "actions.failed", "delivery.failed"):
        happen(cast.workspace, verb)
    plan()
    assert sorted(written(made.endpoint)) == ["action.failed", "request.opened"]


def test_an_event_that_commits_late_is_not_skipped(cast, endpoint):
    plan()
    begun, go = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            happen(cast.workspace, "slow.thing")
            begun.set()
            go.wait(30)
        connections.close_all()

    thread = threading.Thread(target=slowly)
    thread.start()
    begun.wait(30)
    happen(cast.workspace, "quick.thing")
    assert plan_deliveries() == 0
    go.set()
    thread.join()
    assert plan() == 2
    assert written(endpoint)[1:] == ["slow.thing", "quick.thing"]


def at_once(act, times=2):
    """Do the same in several threads at one moment and return what each gave."""
    barrier, found = threading.Barrier(times), []

    def run():
        barrier.wait(30)
        found.append(act())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_sweeps_at_once_write_and_send_each_event_once(cast, endpoint, receiver):
    happen(cast.workspace, times=2)

    def sweep():
        plan_deliveries()
        return [deliver(claim) for claim in claim_due(16)]

    at_once(sweep)
    plan()
    carry()
    assert sorted(receiver.ids()) == sorted(set(receiver.ids()))
    assert len(receiver.ids()) == 3 == Delivery.objects.filter(status="delivered", attempt=1).count()


def test_two_workers_together_keep_to_the_endpoints_share(cast, endpoint):
    happen(cast.workspace, times=12)
    plan()
    claimed = at_once(lambda: [claim.delivery.pk for claim in claim_due(16)])
    assert sum(map(len, claimed)) == AT_ONCE


def test_a_slow_endpoint_does_not_keep_others_waiting(cast, endpoint, receiver, settings):
    settings.WEBHOOK_CONCURRENCY = AT_ONCE + 1
    settings.WEBHOOK_SECONDS = 30
    over = threading.Event()
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, f"127.0.0.1:{server.port}"]
        server.expect_request("/").respond_with_handler(lambda _: Response(status=200 + (0 if over.wait(60) else 1)))
        url = f"http://127.0.0.1:{server.port}/"
        slow = create_endpoint(workspace=cast.workspace, url=url, by=cast.owner).endpoint
        for _ in range(2 * AT_ONCE):
            ping(endpoint=slow, by=cast.owner)
        courier = Courier()
        try:
            assert courier.round() == AT_ONCE + 1
            assert receiver.arrived.wait(30)
        finally:
            over.set()
            courier.stop(wait=True)


def test_statements_do_not_grow_with_the_backlog_or_the_endpoints(cast, receiver):
    def statements():
        settle()
        with CaptureQueriesContext(connection) as captured:
            plan_deliveries()
            claim_due(16)
        return len(captured)

    create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner)
    few = statements()
    for _ in range(5):
        create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner)
    happen(cast.workspace, times=100)
    assert statements() == few
    assert Delivery.objects.count() > 600


def test_a_long_backlog_is_written_in_portions(cast, endpoint, monkeypatch):
    monkeypatch.setattr(planning, "EVENTS_A_ROUND", 3)
    happen(cast.workspace, times=7)
    assert [plan() for _ in range(4)] == [3, 3, 2, 0]


def test_a_disabled_endpoint_is_told_nothing_and_then_what_happens_from_there_on(cast, endpoint):
    plan()
    update_endpoint(endpoint=endpoint, is_enabled=False, by=cast.owner)
    happen(cast.workspace, "missed.thing")
    assert plan() == 0
    update_endpoint(endpoint=endpoint, is_enabled=True, by=cast.owner)
    happen(cast.workspace, "later.thing")
    plan()
    assert written(endpoint) == ["webhook_endpoint.created", "webhook_endpoint.enabled", "later.thing"]


def test_what_was_missed_or_failed_since_a_time_is_sent_again_and_nothing_else(cast, endpoint, receiver):
    began = timezone.now() - timedelta(minutes=1)
    plan()
    carry()
    [broken] = happen(cast.workspace, "broken.thing")
    plan()
    Delivery.objects.filter(event_id=broken.id).update(status="failed", finished_at=timezone.now())
    update_endpoint(endpoint=endpoint, is_enabled=False, by=cast.owner)
    [missed] = happen(cast.workspace, "missed.thing")
    update_endpoint(endpoint=endpoint, is_enabled=True, by=cast.owner)
    receiver.server.clear_log()
    assert redeliver_since(endpoint=endpoint, since=began, by=cast.owner) == 1
    plan()
    while carry():
        plan()
    assert {str(broken.id), str(missed.id)} <= set(receiver.ids())
    assert len(receiver.ids()) == len(set(receiver.ids()))
    assert receiver.told().count("webhook_endpoint.created") == 0
    assert redeliver_since(endpoint=endpoint, since=began, by=cast.owner) == 0


def test_a_ledger_that_cannot_be_followed_is_left_to_a_later_round(cast, endpoint, monkeypatch):
    def refuse(_):
        raise planning.LedgerError("Ids start again.")

    with monkeypatch.context() as patch:
        patch.setattr(planning, "horizon", refuse)
        assert plan_deliveries() == 0
    assert plan() == 1
    assert written(endpoint) == ["webhook_endpoint.created"]


def test_old_deliveries_are_forgotten_and_those_on_their_way_are_not(cast, endpoint, settings):
    happen(cast.workspace, times=2)
    plan()
    old, recent, _ = Delivery.objects.order_by("id")
    long_ago = timezone.now() - timedelta(days=settings.WEBHOOK_DAYS + 2)
    Delivery.objects.filter(pk=old.pk).update(status="delivered", finished_at=long_ago)
    Delivery.objects.filter(pk=recent.pk).update(status="delivered", finished_at=timezone.now())
    assert forget_deliveries() == 1
    assert Delivery.objects.count() == 2
    assert not Delivery.objects.filter(pk=old.pk).exists()
