"""Failpoints: armed by tests alone, and quiet everywhere else."""

import os
import subprocess
import sys

import pytest

from workspaces import failpoints
from workspaces.failpoints import Failpoint, acting, arm, reached


def test_point_that_nobody_armed_does_nothing():
    assert failpoints._act is None
    reached(Failpoint.ACTION_EFFECTED)


def test_point_is_told_to_whom_it_was_armed_for():
    told: list = []
    with acting(told.append):
        reached(Failpoint.ACTION_INTENDED)
    reached(Failpoint.ACTION_EFFECTED)
    assert told == [Failpoint.ACTION_INTENDED]


def test_unknown_point_is_an_error():
    with pytest.raises(ValueError, match="nowhere"):
        arm("nowhere")


def process(debug: str) -> int:
    """Return the exit status of a process that reaches an armed point twice."""
    work = "import django; django.setup()\nfrom workspaces.failpoints import *\nreached(Failpoint.STEP_CLAIMED)\n"
    command = [sys.executable, "-c", f"{work}print('once', flush=True)\nreached(Failpoint.STEP_CLAIMED)"]
    environment = {
        **os.environ,
        "DEBUG": debug,
        "FAILPOINT": "step.claimed:2",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "once\n", done.stderr
    return done.returncode


@pytest.mark.parametrize(("debug", "status"), [("1", -9), ("0", 0)])
def test_setting_kills_the_process_there_and_only_while_debugging(debug, status):
    assert process(debug) == status
