"""Webhooks in the admin: the same operations, and a secret that one page shows once."""

import re

import pytest
from django.utils import timezone

from audit.models import Delivery, WebhookEndpoint
from audit.operations import create_endpoint, ping
from tests.admin_pages import Pages, events, said

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


@pytest.fixture
def hook(cast):
    return create_endpoint(workspace=cast.workspace, url="https://example.org/", by=cast.owner).endpoint


def test_a_webhook_is_made_and_its_secret_shown_once(cast, pages):
    made = pages.add(WebhookEndpoint, workspace=cast.workspace.pk, url="https://example.org/", verbs="request.*")
    assert SECRET.search(made.content.decode())
    row = WebhookEndpoint.objects.get()
    assert row.verbs == ["request.*"]
    for page in (pages.get(row, "change"), pages.get(row), pages.get(row, "history")):
        assert "whsec_" not in page.content.decode()
    assert events("webhook_endpoint.created", cast.owner) == 1


def test_what_the_operation_refuses_stands_beside_the_field(cast, pages):
    refused = pages.add(WebhookEndpoint, workspace=cast.workspace.pk, url="https://10.0.0.5/")
    assert "inside our own network" in said(refused)
    assert not WebhookEndpoint.objects.exists()


def test_a_webhook_is_disabled_rotated_and_deleted(cast, pages, hook):
    assert pages.change(hook, url=hook.url, description="", verbs="").status_code == 302
    hook.refresh_from_db()
    assert (hook.is_enabled, bool(hook.disabled_reason)) == (False, True)
    assert SECRET.search(pages.act("rotate", hook).content.decode())
    other = create_endpoint(workspace=cast.workspace, url="https://example.org/", by=cast.owner).endpoint
    assert "Choose one webhook" in pages.act("rotate", hook, other).content.decode()
    assert "This webhook is disabled" in pages.act("ping", hook).content.decode()
    assert pages.delete(hook).status_code == 200
    assert not WebhookEndpoint.objects.filter(pk=hook.pk).exists()
    assert events("webhook_endpoint.deleted", cast.owner) == 1


def test_deliveries_are_read_and_sent_again(cast, pages, hook):
    row = ping(endpoint=hook, by=cast.owner)
    assert "still on its way" in pages.act("redeliver", row).content.decode()
    Delivery.objects.update(status="failed", finished_at=timezone.now())
    assert "on its way again" in pages.act("redeliver", row).content.decode()
    assert Delivery.objects.count() == 2
    assert pages.get(row, "change").status_code == 200


def test_invariant_14_webhooks_of_another_workspace_are_not_there(cast, hook):
    theirs = Pages(cast.stranger)
    row = ping(endpoint=hook, by=cast.owner)
    assert [theirs.get(one, "change").status_code for one in (hook, row)] == [404, 404]
    theirs.act("ping", hook)
    theirs.act("redeliver", row)
    assert Delivery.objects.count() == 1
