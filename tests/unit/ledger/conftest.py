"""Fixtures of the ledger's tests: a key, a witness, and a way to write events."""

import base64
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger"]

SEED = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def witness_path(settings: Settings, tmp_path: Path) -> Path:
    settings.LEDGER_SIGNING_KEY = SEED
    settings.LEDGER_PUBLIC_KEYS = []
    settings.LEDGER_WITNESS_FILE = str(tmp_path / "witness.jsonl")
    return tmp_path / "witness.jsonl"


@pytest.fixture
def workspace_id() -> UUID:
    return uuid4()
