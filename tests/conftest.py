"""What every test shares."""

import base64

import pytest


@pytest.fixture(autouse=True)
def encryption_keys(settings):
    settings.ENCRYPTION_KEYS = ["test:" + base64.b64encode(b"k" * 32).decode()]
