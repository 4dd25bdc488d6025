"""What every test shares."""

import base64

import pytest


@pytest.fixture(autouse=True)
def encryption_keys(settings):
    settings.ENCRYPTION_KEYS = ["test:" + base64.b64encode(b"k" * 32).decode()]


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db):
    from tests.factories import make_cast

    return make_cast()


pytest_plugins = ["tests.desks"]
