"""What every test shares."""

import base64

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger"]

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

pytest_plugins = ["tests.databases", "tests.desks", "tests.serving"]


@pytest.fixture(autouse=True)
def encryption_keys(settings):
    settings.ENCRYPTION_KEYS = ["test:" + base64.b64encode(b"k" * 32).decode()]


@pytest.fixture(autouse=True)
def static_files(settings, tmp_path_factory):
    """Whitenoise warns of a folder that is not there, which it is only after collectstatic."""
    settings.STATIC_ROOT = tmp_path_factory.getbasetemp()


@pytest.fixture
def cast(db):
    from tests.factories import make_cast

    return make_cast()
