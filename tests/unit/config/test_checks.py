"""What the start refuses, and in which words."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import checks

KEY = "k1:" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def production(settings):
    settings.TESTING = settings.DEBUG = False
    settings.SECRET_KEY = "s" * 50
    settings.ENCRYPTION_KEYS = [KEY]
    settings.LEDGER_SIGNING_KEY = base64.b64encode(b"l" * 32).decode()
    settings.LEDGER_WITNESS_FILE = "/dev/null"
    settings.ALLOWED_HOSTS = ["countersign.example"]
    return settings


def test_safe_settings_may_serve(production):
    checks.refuse_to_serve()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "insecure-until-set", "SECRET_KEY is not set.*openssl rand"),
        ("SECRET_KEY", "short", "SECRET_KEY is not set, or shorter than 32"),
        ("ENCRYPTION_KEYS", [], "ENCRYPTION_KEYS is not set.*openssl rand -base64 32"),
        ("ENCRYPTION_KEYS", [KEY, "k2:tooshort"], "Entry 2 of ENCRYPTION_KEYS"),
        ("ENCRYPTION_KEYS", [KEY.removeprefix("k1:")], "Entry 1 of ENCRYPTION_KEYS"),
        ("ALLOWED_HOSTS", ["*"], "ALLOWED_HOSTS accepts every host"),
        ("OIDC_ISSUER", "https://id.example.com", "without OIDC_CLIENT_ID or OIDC_CLIENT_SECRET"),
        ("OIDC_ISSUER", "http://id.example.com", "OIDC_ISSUER is no https address"),
        ("METRICS_TOKEN", "guess", "METRICS_TOKEN is shorter than 16 characters.*openssl rand -hex 24"),
    ],
)
def test_unsafe_settings_are_refused_with_the_way_out(production, name, value, sentence):
    setattr(production, name, value)
    with pytest.raises(ImproperlyConfigured, match=sentence):
        checks.refuse_to_serve()


def test_refusal_shows_no_key(production):
    production.ENCRYPTION_KEYS = ["k2:very-private"]
    with pytest.raises(ImproperlyConfigured) as refusal:
        checks.refuse_to_serve()
    assert "very-private" not in str(refusal.value)
