"""A folder of its own for every test that starts servers, and nothing left of it afterwards."""

import pytest

from config.services.places import Places
from config.services.running import ADDRESSES


@pytest.fixture
def var(tmp_path, monkeypatch):
    for name in (*ADDRESSES, "VAR_DIR", "PORT"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path / "var"
    for folder in (tmp_path / "var" / "test", tmp_path / "var"):
        Places.of(folder).forget()


@pytest.fixture
def quiet():
    return lambda line: None
