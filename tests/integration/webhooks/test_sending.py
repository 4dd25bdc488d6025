"""One delivery and the other side: what is sent, and what each answer leads to."""

import logging
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug import Response

from audit.ledger.models import Event
from audit.models import Delivery, WebhookEndpoint
from audit.operations import create_endpoint, ping, rotate_secret, update_endpoint
from audit.webhooks.claims import claim_due
from audit.webhooks.courier import deliver
from audit.webhooks.outcomes import DISABLED_AFTER, JITTER, LONGEST_WAIT, WAITS, conclude, wait_before
from audit.webhooks.sending import Answer
from tests.integration.webhooks.conftest import carry, make_due, reloaded
from tests.unit.repo.repository import ROOT
from workspaces.failpoints import Failpoint, acting

pytestmark = pytest.mark.django_db


def test_a_receivers_library_verifies_what_is_sent(cast, issued, receiver):
    made = ping(endpoint=issued.endpoint, by=cast.owner)
    [row] = carry()
    event = Event.objects.get(pk=made.event_id)
    assert receiver.verified(issued.secret) == {
        "type": "webhook_endpoint.pinged",
        "timestamp": event.at.isoformat(),
        "data": {
            "event": str(event.id),
            "workspace": str(cast.workspace.id),
            "actor": f"user:{cast.owner.id}",
            "subject": {"type": "webhook_endpoint", "id": str(issued.endpoint.id)},
        },
    }
    assert receiver.ids() == [str(event.id)]
    assert (row.status, row.last_status, row.attempt, row.leased_until) == ("delivered", 200, 1, None)
    with pytest.raises(WebhookVerificationError):
        receiver.verified("whsec_" + "A" * 44)


def test_the_documented_lines_verify_what_is_sent_and_refuse_anything_else(cast, issued, receiver):
    page = (ROOT / "docs" / "webhooks.md").read_text()
    told: dict = {}
    exec(re.search(r"```python\n(.*?)```", page, re.S)[1], told)
    verified = told["verified"]
    rotate_secret(endpoint=issued.endpoint, by=cast.owner)
    ping(endpoint=issued.endpoint, by=cast.owner)
    carry()
    [request] = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert verified(issued.secret, headers, request.get_data()) == receiver.verified(issued.secret)
    for change in ({"webhook-id": "other"}, {"webhook-timestamp": "1"}):
        with pytest.raises(ValueError, match="Not signed"):
            verified(issued.secret, headers | change, request.get_data())
    with pytest.raises(ValueError, match="Not signed"):
        verified(issued.secret, headers, request.get_data() + b" ")


def test_both_secrets_sign_during_a_rotation_and_the_old_one_not_after_it(cast, issued, receiver):
    new = rotate_secret(endpoint=issued.endpoint, by=cast.owner, overlap_hours=2)
    ping(endpoint=issued.endpoint, by=cast.owner)
    carry()
    assert receiver.verified(issued.secret) == receiver.verified(new.secret)
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    ping(endpoint=issued.endpoint, by=cast.owner)
    carry()
    receiver.verified(new.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(issued.secret)


def test_a_leaked_secret_is_ended_at_once(cast, issued, receiver):
    new = rotate_secret(endpoint=issued.endpoint, by=cast.owner, overlap_hours=0)
    ping(endpoint=issued.endpoint, by=cast.owner)
    carry()
    receiver.verified(new.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(issued.secret)


def test_what_failed_is_tried_again_with_the_same_id_and_a_fresh_signature(cast, issued, receiver):
    receiver.then(500, 200)
    made = ping(endpoint=issued.endpoint, by=cast.owner)
    [row] = carry()
    assert (row.status, row.failures, row.last_problem) == ("pending", 1, "The endpoint answered 500.")
    assert row.next_at - timezone.now() < timedelta(seconds=7)
    assert reloaded(issued.endpoint).failing_since is not None
    assert carry() == []
    make_due(row)
    [row] = carry()
    assert (row.status, row.attempt, row.last_problem) == ("delivered", 2, "")
    assert receiver.ids() == [str(made.event_id)] * 2
    assert receiver.verified(issued.secret, 0) == receiver.verified(issued.secret, 1)
    assert reloaded(issued.endpoint).failing_since is None


def test_what_never_arrives_fails_in_the_end_and_is_on_record(cast, endpoint, receiver):
    receiver.then(503)
    row = ping(endpoint=endpoint, by=cast.owner)
    for _ in range(len(WAITS) + 1):
        make_due(row)
        [row] = carry()
    assert (row.status, row.failures) == ("failed", len(WAITS) + 1)
    assert carry() == []
    body = Event.objects.get(verb="delivery.failed").body
    assert body == {"from": "pending", "endpoint": str(endpoint.id), "event": str(row.event_id), "answer": 503}


def test_an_endpoint_that_hangs_costs_its_time_and_no_more(cast, endpoint, receiver):
    over = threading.Event()
    receiver.server.clear()
    receiver.server.expect_request("/hooks").respond_with_handler(lambda _: Response(status=200 + over.wait(20)))
    ping(endpoint=endpoint, by=cast.owner)
    began = datetime.now(UTC)
    try:
        [row] = carry()
    finally:
        over.set()
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    assert (row.status, row.last_status) == ("pending", None)
    assert row.last_problem == "The endpoint did not answer within 1 seconds."


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/"])
def test_a_redirect_is_not_followed(cast, endpoint, receiver, target):
    receiver.then(302, Location=target)
    ping(endpoint=endpoint, by=cast.owner)
    [row] = carry()
    assert (row.status, row.last_status) == ("pending", 302)
    assert "redirect" in row.last_problem
    assert len(receiver.requests) == 1


def test_an_address_that_leads_inside_is_not_contacted(cast, endpoint, receiver, settings):
    ping(endpoint=endpoint, by=cast.owner)
    settings.OUTBOUND_ALLOWED = []
    [row] = carry()
    assert "inside our own network" in row.last_problem
    assert (row.status, receiver.requests) == ("pending", [])


def test_a_long_name_that_leads_inside_counts_as_a_failed_try(cast, endpoint, receiver, monkeypatch):
    """Its sentence is longer than what a row keeps: a try that cannot be recorded would be made again for ever."""
    host = ".".join(["a" * 60] * 4)
    update_endpoint(endpoint=endpoint, url=f"https://{host}/hooks", by=cast.owner)
    ping(endpoint=endpoint, by=cast.owner)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("10.0.0.1", 443))])
    [row] = carry()
    assert (row.failures, row.last_problem[:3]) == (1, "aaa")


def test_410_disables_the_endpoint_at_once_with_the_reason(cast, endpoint, receiver):
    receiver.then(410)
    first, second = ping(endpoint=endpoint, by=cast.owner), ping(endpoint=endpoint, by=cast.owner)
    carry(room=1)
    found = reloaded(endpoint)
    assert (found.is_enabled, found.disabled_reason) == (False, "The endpoint answered 410: it wants nothing more.")
    assert carry() == []
    statuses = Delivery.objects.in_bulk([first.pk, second.pk])
    assert sorted(row.status for row in statuses.values()) == ["failed", "pending"]
    event = Event.objects.get(verb="webhook_endpoint.disabled")
    assert (event.actor, event.body) == ("system:webhooks", {"reason": found.disabled_reason})
    receiver.then(200)
    update_endpoint(endpoint=endpoint, is_enabled=True, by=cast.owner)
    assert [row.status for row in carry()] == ["delivered"]


def test_an_endpoint_that_takes_nothing_for_days_is_disabled(cast, endpoint, receiver):
    receiver.then(500)
    row = ping(endpoint=endpoint, by=cast.owner)
    carry()
    WebhookEndpoint.objects.update(failing_since=F("failing_since") - DISABLED_AFTER)
    make_due(row)
    carry()
    found = reloaded(endpoint)
    assert (found.is_enabled, found.disabled_reason) == (False, "Nothing has arrived for 5 days.")
    assert Event.objects.filter(verb="webhook_endpoint.disabled").count() == 1


@pytest.mark.parametrize(
    ("spoken", "seconds"),
    [
        ("120", 120),
        ("an hour from now", 3600),
        ("99999999999999999999", LONGEST_WAIT),
        ("-5", 5),
        ("soon", 5),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 5),
    ],
)
def test_retry_after_is_honoured_within_bounds(cast, endpoint, receiver, spoken, seconds):
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    receiver.then(429, Retry_After=in_an_hour if spoken == "an hour from now" else spoken)
    ping(endpoint=endpoint, by=cast.owner)
    [row] = carry()
    assert abs((row.next_at - timezone.now()).total_seconds() - seconds) < 30
    assert (row.last_status, row.last_problem) == (429, "The endpoint answered 429.")


def test_the_waits_grow_over_about_a_day_and_end():
    waits = [wait_before(number + 1, Answer(500)) for number in range(len(WAITS))]
    assert all(abs(found / planned - 1) <= JITTER for found, planned in zip(waits, WAITS, strict=True))
    assert 24 < sum(WAITS) / 3600 < 48
    assert wait_before(len(WAITS) + 1, Answer(500)) is None


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def test_a_worker_killed_between_sending_and_its_outcome_is_replaced(cast, issued, receiver):
    def die(point):
        if point == Failpoint.WEBHOOK_SENT:
            raise Killed

    made = ping(endpoint=issued.endpoint, by=cast.owner)
    with acting(die), pytest.raises(Killed):
        carry()
    assert carry() == []
    Delivery.objects.update(leased_until=timezone.now())
    [row] = carry()
    assert (row.status, row.attempt) == ("delivered", 2)
    assert receiver.ids() == [str(made.event_id)] * 2


def test_what_a_worker_says_after_it_was_replaced_changes_nothing(cast, endpoint, receiver):
    ping(endpoint=endpoint, by=cast.owner)
    [late] = claim_due(1)
    Delivery.objects.update(leased_until=timezone.now())
    [claim] = claim_due(1)
    conclude(late, Answer(410, "The endpoint answered 410."))
    conclude(late, Answer(500, "The endpoint answered 500."))
    assert reloaded(endpoint).is_enabled
    deliver(claim)
    conclude(late, Answer(200))
    row = Delivery.objects.get()
    assert (row.status, row.failures, row.attempt) == ("delivered", 0, 2)
    assert Event.objects.filter(verb__startswith="delivery.").count() == 1


def test_a_failing_endpoint_gets_one_at_a_time_and_leaves_the_room_to_others(cast, endpoint, receiver):
    well = create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner).endpoint
    for _ in range(8):
        ping(endpoint=endpoint, by=cast.owner)
        ping(endpoint=well, by=cast.owner)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=timezone.now())
    claimed = [claim.delivery.endpoint_id for claim in claim_due(16)]
    assert (claimed.count(well.pk), claimed.count(endpoint.pk)) == (4, 1)
    assert claim_due(16) == []


def test_a_slow_endpoint_with_much_to_come_does_not_keep_another_waiting(cast, endpoint, receiver):
    quick = create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner).endpoint
    for _ in range(8):
        ping(endpoint=endpoint, by=cast.owner)
    assert [claim.delivery.endpoint_id for claim in claim_due(1)] == [endpoint.pk]
    ping(endpoint=quick, by=cast.owner)
    assert [claim.delivery.endpoint_id for claim in claim_due(1)] == [quick.pk]


class Kept(logging.Handler):
    """Keeps what is logged, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args} {record.exc_text}")


@pytest.fixture
def logged():
    """Everything that any logger says."""
    root, kept = logging.getLogger(), Kept()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept.lines
    root.removeHandler(kept)
    root.setLevel(level)


def test_invariant_15_no_secret_is_in_logs_ledger_or_names(cast, issued, receiver, logged, monkeypatch):
    receiver.then(500)
    ping(endpoint=issued.endpoint, by=cast.owner)
    [row] = carry()
    new = rotate_secret(endpoint=issued.endpoint, by=cast.owner)
    monkeypatch.setattr("audit.webhooks.courier.send", lambda claim: 1 / 0)
    make_due(row)
    [row] = carry()
    assert "Countersign could not send it" in row.last_problem
    assert any("could not be sent" in line for line in logged)
    opened = new.endpoint.open_secrets(timezone.now())
    said = [*logged, row.last_problem, repr(issued), str(new), repr(opened), str(opened), repr(new.endpoint)]
    said += [str(event.body) for event in Event.objects.all()]
    for secret in opened.texts:
        assert secret in {issued.secret, new.secret}
        assert not [line for line in said if secret.removeprefix("whsec_") in line]


def test_a_secret_that_cannot_be_opened_is_said_in_a_sentence(cast, endpoint, receiver, settings):
    ping(endpoint=endpoint, by=cast.owner)
    settings.ENCRYPTION_KEYS = []
    [row] = carry()
    assert row.last_problem.startswith("The webhook's secret cannot be opened")


def test_signatures_are_those_of_the_standard():
    secret, content = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    signed = Webhook(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), content)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
