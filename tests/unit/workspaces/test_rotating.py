"""Giving up an encryption key: everything is wrapped anew, nothing else moves, and what does not open is said."""

import base64
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db.models import BinaryField

from audit.ledger.models import Event
from audit.models import WebhookEndpoint
from tests.factories import SETUP
from tests.unit.repo.repository import our_models
from tools.models import Connection
from tools.operations import create_connection
from workspaces.crypto import key_of
from workspaces.models.salt import Salt

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


@pytest.fixture
def kept(cast, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    place = {"workspace": cast.workspace, "config": {"base_url": "https://x.example"}, "by": SETUP, "kind": "model"}
    way = create_connection(name="way", secret={"api_key": "k-1"}, **place)
    create_connection(name="open", secret={}, **place)
    endpoint = WebhookEndpoint(
        workspace=cast.workspace, url="https://x.example/", cursor_epoch=0, cursor_txid=0, cursor_sequence=0
    )
    text = endpoint.renew_secret()
    endpoint.save()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return way, endpoint, text


@pytest.mark.django_db
def test_everything_opens_with_the_new_key_alone_and_no_version_grows(kept, settings, capsys):
    way, _, text = kept
    with pytest.raises(CommandError, match="Earlier keys are in use"):
        call_command("rotate_keys", "--check")
    call_command("rotate_keys")
    assert "secrets are wrapped anew by new." in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = [NEW]
    call_command("rotate_keys", "--check")
    after = Connection.objects.get(pk=way.pk)
    assert (after.open_secret(), after.version, after.updated_at) == ({"api_key": "k-1"}, way.version, way.updated_at)
    assert WebhookEndpoint.objects.get().open_secrets(datetime.now(UTC)).texts == (text,)
    event = Event.objects.get(verb="connection.rewrapped", subject_id=str(way.pk))
    assert event.body == {"key": "new", "secrets": 1}
    call_command("rotate_keys")
    assert Event.objects.filter(subject_id=str(way.pk), verb="connection.rewrapped").count() == 1


@pytest.mark.django_db
def test_what_does_not_open_stays_as_it_is_and_is_said(kept, settings, capsys):
    way, endpoint, _ = kept
    WebhookEndpoint.objects.update(secret=bytes(endpoint.secret)[:-1] + b"!")
    with pytest.raises(CommandError, match="1 rows could not be opened and are as they were"):
        call_command("rotate_keys")
    assert f"webhook_endpoint {endpoint.pk}: The envelope was altered" in capsys.readouterr().err
    assert key_of(bytes(WebhookEndpoint.objects.get().secret)) == "old"
    assert key_of(bytes(Connection.objects.get(pk=way.pk).secret)) == "new"
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="No encryption key is configured"):
        call_command("rotate_keys")


def test_every_field_of_bytes_is_an_envelope_that_says_so():
    found = {
        (model, field.name) for model in our_models() for field in model._meta.fields if isinstance(field, BinaryField)
    }
    said = {(model, name) for model in our_models() for name in getattr(model, "SEALED", {})}
    assert found - said == {(Salt, "value")}
    assert said <= found
