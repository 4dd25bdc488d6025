"""The pages of webhooks: set up, secrets shown once, deliveries with their answers, disabled and sent again."""

import re
from uuid import UUID

import pytest
from django.utils import timezone

from audit.models import Delivery, WebhookEndpoint
from audit.operations import create_endpoint

pytestmark = pytest.mark.django_db
URL = "https://example.com/hook"


@pytest.fixture
def owner(browse):
    return browse("owner")


@pytest.fixture
def endpoint(cast):
    return create_endpoint(workspace=cast.workspace, url=URL, description="Shop", by=cast.owner).endpoint


def delivery(endpoint, number=1, **more):
    values = {
        "status": "failed",
        "last_status": 503,
        "last_problem": "<i>Down</i>",
        "finished_at": timezone.now(),
        **more,
    }
    return Delivery.objects.create(
        workspace_id=endpoint.workspace_id, endpoint=endpoint, event_id=UUID(int=number),
        verb="run.queued", **values,
    )  # fmt: skip


def test_secret_is_shown_once_and_stored_nowhere_else(owner, cast):
    answer = owner.post("/webhooks/new/", {"url": URL, "description": "Shop", "verbs": "run.queued, run.failed"})
    secret = re.search(r'value="(whsec_[^"]+)"', answer.content.decode()).group(1)
    assert "no-store" in answer["Cache-Control"]
    made = WebhookEndpoint.objects.get(workspace=cast.workspace)
    assert made.open_secrets(timezone.now()).texts[0] == secret.replace("&#x2B;", "+")
    assert made.verbs == ["run.failed", "run.queued"]
    for page in ("/webhooks/", f"/webhooks/{made.id}/"):
        shown = owner.get(page).content.decode()
        assert "Shop" in shown
        assert "whsec_" not in shown


def test_rotation_shows_the_new_secret_and_says_how_long_both_sign(owner, endpoint):
    page = owner.post(f"/webhooks/{endpoint.id}/rotate/", {"overlap_hours": "5"}).content.decode()
    assert "whsec_" in page
    assert "signs too until" in page
    endpoint.refresh_from_db()
    assert len(endpoint.open_secrets(timezone.now()).texts) == 2
    refused = owner.post(f"/webhooks/{endpoint.id}/rotate/", {"overlap_hours": "500"})
    assert (refused.status_code, 'value="500"' in refused.content.decode()) == (422, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ftp://x", "https://user:secret@example.com/", "nonsense"])
def test_address_that_cannot_be_is_a_sentence_and_what_was_typed_stays(owner, endpoint, url):
    for path in ("/webhooks/new/", f"/webhooks/{endpoint.id}/"):
        answer = owner.post(path, {"url": url, "description": "Mine", "verbs": ""})
        assert answer.status_code == 422
        assert 'value="Mine"' in answer.content.decode()
        assert "field-error" in answer.content.decode()
    assert WebhookEndpoint.objects.get().url == URL


def test_deliveries_show_state_and_answer_and_are_sent_again_once(owner, endpoint):
    failed = delivery(endpoint)
    page = owner.get(f"/webhooks/{endpoint.id}/").content.decode()
    assert "503" in page
    assert "&lt;i&gt;Down" in page
    assert "Nothing matches" in owner.get(f"/webhooks/{endpoint.id}/?status=delivered").content.decode()
    key = re.search(rf'{failed.id}/redeliver/.*?name="once" value="([^"]+)"', page, re.S).group(1)
    for _ in range(2):
        assert owner.post(f"/deliveries/{failed.id}/redeliver/", {"once": key}).status_code == 302
    assert Delivery.objects.filter(cause="redelivery").count() == 1
    assert "On its way" in owner.get(f"/webhooks/{endpoint.id}/").content.decode()


def test_disabled_it_is_sent_nothing_until_it_is_enabled(owner, endpoint):
    failed = delivery(endpoint)
    owner.post(f"/webhooks/{endpoint.id}/switch/", {"enable": "no"})
    page = owner.get(f"/webhooks/{endpoint.id}/").content.decode()
    assert "An owner of the workspace disabled it." in page
    assert "Send a test" not in page
    assert owner.post(f"/webhooks/{endpoint.id}/ping/").status_code == 409
    assert owner.post(f"/deliveries/{failed.id}/redeliver/").status_code == 409
    owner.post(f"/webhooks/{endpoint.id}/switch/", {"enable": "yes"})
    assert owner.post(f"/webhooks/{endpoint.id}/ping/").status_code == 302
    assert owner.post(f"/webhooks/{endpoint.id}/again/", {"days": "1"}).status_code == 302
    assert Delivery.objects.filter(cause="redelivery").count() == 1


def test_statements_do_not_grow_with_the_rows(owner, cast, endpoint, statements):
    delivery(endpoint, 1)
    few = statements(owner, "/webhooks/"), statements(owner, f"/webhooks/{endpoint.id}/")
    for number in range(2, 12):
        delivery(endpoint, number)
        create_endpoint(workspace=cast.workspace, url=f"{URL}/{number}", by=cast.owner)
    assert (statements(owner, "/webhooks/"), statements(owner, f"/webhooks/{endpoint.id}/")) == few
    assert max(few) <= 25
