"""The committed description is what the code says."""

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def described():
    """What the committed file says."""
    return read(COMMITTED.read_bytes())


def read(text: bytes) -> dict:
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def generated() -> str:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--skip-checks", stdout=out)
    return out.getvalue()


def test_committed_description_is_current():
    """When it is not: ``manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml``."""
    assert COMMITTED.read_text().strip() == generated().strip()


def test_served_description_is_the_committed_one(client, db, described):
    answer = client.get("/api/v1/openapi.yaml")
    assert answer.status_code == 200
    assert read(answer.content)["paths"] == described["paths"]


@pytest.mark.parametrize("status", ["400", "401", "403", "429"])
def test_every_operation_describes_its_problems(status, described):
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "patch"}:
                assert status in operation["responses"], (path, method)


def test_no_secret_is_readable(described):
    schemas = described["components"]["schemas"]
    assert "secret" not in schemas["ConnectionOutput" if "ConnectionOutput" in schemas else "Connection"]["properties"]
