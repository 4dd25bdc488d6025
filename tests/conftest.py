"""What every test shares."""

import base64
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger"]

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("shared machine"), max_examples=2000)
settings.register_profile("same", settings.get_profile("shared machine"), derandomize=True, max_examples=40)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
"""The same examples every time: a change lands by what it does. ``HYPOTHESIS_PROFILE=search`` looks for new ones."""

LONGEST_FIRST = (
    "tests/integration/demo/",
    "tests/integration/chaos/",
    "tests/integration/workers/",
    "tests/integration/console/test_live.py",
    "tests/integration/engine/",
    "tests/integration/services/",
    "tests/integration/",
)
"""Where tests wait for real processes and for time to pass."""

pytest_plugins = ["tests.databases", "tests.desks", "tests.serving", "tests.tracing"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that parallel processes end together; a file stays as it is."""
    items.sort(key=lambda item: next((n for n, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)), 99))


@pytest.fixture(autouse=True)
def encryption_keys(settings):
    settings.ENCRYPTION_KEYS = ["test:" + base64.b64encode(b"k" * 32).decode()]


@pytest.fixture(autouse=True)
def static_files(settings, tmp_path_factory):
    """Whitenoise warns of a folder that is not there, which it is only after collectstatic."""
    settings.STATIC_ROOT = tmp_path_factory.getbasetemp()


@pytest.fixture
def cast(db):
    from tests.beginnings import begin_with
    from tests.factories import make_cast

    return begin_with("cast", make_cast)
