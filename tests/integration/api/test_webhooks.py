"""Webhooks over the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.ledger.models import Event
from audit.models import Delivery, WebhookEndpoint
from audit.operations import endpoints
from tests.admin_pages import events
from workspaces.models import IdempotencyRecord

pytestmark = pytest.mark.django_db
WEBHOOKS = "/api/v1/webhooks/"
URL = "https://example.org/hooks"


@pytest.fixture
def owner(client_of):
    return client_of("owner")


@pytest.fixture
def made(owner):
    """The answer that made a webhook, and its address."""
    answer = owner.post(WEBHOOKS, {"url": URL, "verbs": ["request.*", "action.failed"], "description": "Desk"})
    assert answer.status_code == 201, answer.content
    return answer


@pytest.fixture
def path(made):
    return f"{WEBHOOKS}{made.json()['id']}/"


def test_invariant_15_a_secret_is_answered_once(cast, owner, made, path):
    secret = made.json()["secret"]
    assert (secret[:6], len(secret), made["Cache-Control"]) == ("whsec_", 50, "no-store")
    rotated = owner.post(f"{path}rotate/", {"overlap_hours": 1}, HTTP_IDEMPOTENCY_KEY="r")
    assert (rotated.status_code, rotated["Cache-Control"]) == (200, "no-store")
    assert rotated.json()["secret"] not in {secret, None}
    assert rotated.json()["previous_until"]
    assert not IdempotencyRecord.objects.exists()
    pages = [owner.get(WEBHOOKS), owner.get(path), owner.patch(path, {"description": "Other"})]
    pages += [owner.get(f"{path}deliveries/"), owner.get("/api/v1/events/")]
    shown = " ".join(page.content.decode() for page in pages)
    assert "whsec_" not in shown
    for text in (secret, rotated.json()["secret"]):
        assert text.removeprefix("whsec_") not in shown
    row = WebhookEndpoint.objects.get()
    assert secret.removeprefix("whsec_").encode() not in bytes(row.secret) + bytes(row.previous_secret)


def test_what_is_set_up_is_in_the_ledger_with_who_did_it(cast, owner, path):
    assert owner.patch(path, {"verbs": []}).json()["verbs"] == []
    owner.patch(path, {"verbs": [], "description": "Desk"})
    assert owner.patch(path, {"is_enabled": False}).json()["disabled_reason"]
    owner.patch(path, {"is_enabled": True})
    owner.post(f"{path}rotate/", {})
    owner.post(f"{path}ping/")
    assert owner.delete(path).status_code == 204
    told = ["created", "changed", "disabled", "enabled", "rotated", "pinged", "deleted"]
    assert [events(f"webhook_endpoint.{what}", cast.owner) for what in told] == [1] * len(told)
    assert not [event for event in Event.objects.all() if URL in str(event.body)]
    assert not Delivery.objects.exists()


def test_deliveries_are_listed_narrowed_and_sent_again(owner, path):
    pinged = owner.post(f"{path}ping/")
    assert (pinged.status_code, pinged.json()["cause"], pinged.json()["status"]) == (201, "ping", "pending")
    again = f"/api/v1/deliveries/{pinged.json()['id']}/redeliver/"
    assert owner.post(again).status_code == 409
    Delivery.objects.update(status="failed", finished_at=timezone.now(), last_status=500, last_problem="It said 500.")
    [shown] = owner.get(f"{path}deliveries/", {"status": "failed"}).json()["results"]
    assert (shown["last_status"], shown["last_problem"]) == (500, "It said 500.")
    made = owner.post(again, HTTP_IDEMPOTENCY_KEY="again")
    assert (made.status_code, made.json()["cause"]) == (201, "redelivery")
    assert made.json()["event_id"] == pinged.json()["event_id"]
    assert owner.post(again, HTTP_IDEMPOTENCY_KEY="again").json() == made.json()
    assert owner.get(f"{path}deliveries/", {"status": "pending"}).json()["results"][0]["id"] == made.json()["id"]


def test_everything_that_failed_since_a_time_is_sent_again(owner, path):
    owner.post(f"{path}ping/")
    Delivery.objects.update(status="failed", finished_at=timezone.now())
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert owner.post(f"{path}redeliver/", {"since": since}).json() == {"deliveries": 1}
    assert owner.post(f"{path}redeliver/", {"since": since}).json() == {"deliveries": 0}
    for wrong in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday"):
        assert owner.post(f"{path}redeliver/", {"since": wrong}).status_code == 422


def test_nothing_is_asked_of_a_disabled_webhook(owner, path):
    pinged = owner.post(f"{path}ping/").json()["id"]
    Delivery.objects.update(status="failed", finished_at=timezone.now())
    owner.patch(path, {"is_enabled": False})
    for address in (f"{path}ping/", f"/api/v1/deliveries/{pinged}/redeliver/"):
        answer = owner.post(address)
        assert (answer.status_code, answer.json()["detail"]) == (409, "This webhook is disabled.")


def test_invariant_14_foreign_webhooks_are_not_there(client_of, owner, path):
    pinged = owner.post(f"{path}ping/").json()["id"]
    stranger = client_of("stranger")
    assert stranger.get(WEBHOOKS).json()["results"] == []
    asked = [stranger.get(path), stranger.get(f"{path}deliveries/"), stranger.post(f"{path}ping/")]
    asked += [stranger.delete(path), stranger.post(f"/api/v1/deliveries/{pinged}/redeliver/")]
    assert {answer.status_code for answer in asked} == {404}
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/hooks",
        "ftp://example.org/",
        "http://example.org/",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://example.org:0/",
        "https://exam ple.org/",
        "https://bücher.example/",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.5/",
        "https://example.org/" + "x" * 500,
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_field(owner, url):
    answer = owner.post(WEBHOOKS, {"url": url})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["url"]), answer.content
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verbs", ["Everything"]),
        ("verbs", ["*"]),
        ("verbs", ["delivery.*"]),
        ("verbs", "request.opened"),
        ("description", "x" * 201),
    ],
)
def test_other_unusable_values_are_refused(owner, field, value):
    assert owner.post(WEBHOOKS, {"url": URL, field: value}).status_code == 422


def test_a_workspace_has_a_bounded_number_of_webhooks(owner, made, monkeypatch):
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1)
    assert owner.post(WEBHOOKS, {"url": URL}).status_code == 409


def test_a_plain_address_is_accepted_where_the_operator_lists_it(owner, settings):
    settings.OUTBOUND_ALLOWED = ["127.0.0.1:9000"]
    assert owner.post(WEBHOOKS, {"url": "http://127.0.0.1:9000/hooks"}).status_code == 201
