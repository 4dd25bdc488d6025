"""The command that checks everything: it ends at the first failure and says how to repeat it."""

import re
import sys

import pytest

from tests import run
from tests.unit.repo.repository import ROOT

FINE = [sys.executable, "-c", "pass"]
BROKEN = [sys.executable, "-c", "print('what is wrong'); raise SystemExit(3)"]


def test_the_first_failure_ends_the_run_and_can_be_repeated(capfd):
    assert run.run_steps({"one": FINE, "two": BROKEN, "three": FINE}, {}) == 3
    said = capfd.readouterr().out
    assert "--- one: in order" in said
    assert "what is wrong" in said
    assert re.search(rf"--- two failed after [0-9.]+ s; alone: {re.escape(sys.executable)}", said)
    assert "three" not in said


@pytest.mark.parametrize("pattern", run.NEVER_UNTESTED)
def test_what_may_never_be_untested_is_there(pattern):
    assert [path for path in ROOT.glob(pattern) if path.is_file()]


@pytest.mark.parametrize("named", [True, False], ids=["named", "on the path"])
def test_without_a_browser_it_is_said_loudly(named, monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    if named:
        monkeypatch.setenv("CHROMIUM", str(tmp_path / "absent"))
    assert run.browser() == ""
    assert "DO NOT RUN" in capfd.readouterr().out


def test_a_browser_that_is_named_is_used(monkeypatch):
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert run.browser() == sys.executable
