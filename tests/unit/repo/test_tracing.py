"""Coverage's tracer rests where `NOT_TRACED` says, this file included; the full run has it everywhere else."""

import os
import subprocess
import sys

import pytest

from tests.tracing import NOT_TRACED
from tests.unit.repo.repository import ROOT


@pytest.fixture
def traced():
    return sys.gettrace()


def test_neither_tests_nor_fixtures_nor_processes_are_traced_here(traced):
    assert (traced, sys.gettrace()) == (None, None)
    assert "COVERAGE_PROCESS_CONFIG" not in os.environ
    look = "import sys; print(sys.gettrace())"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout == "None\n"


@pytest.mark.parametrize("beginning", NOT_TRACED)
def test_what_is_not_traced_is_there(beginning):
    assert list(ROOT.glob(f"{beginning}*"))
