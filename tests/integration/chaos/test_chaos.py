"""A minute of chaos: everything is killed, frozen or emptied at least once, and the books add up."""

import json
import os
import subprocess
import sys

from config.services.places import CHECKOUT

PROFILE = ["--runs", "12", "--seed", "1", "--seconds", "25"]


def test_invariants_04_to_07_a_minute_of_chaos_loses_and_doubles_nothing():
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "manage.py", "chaos", *PROFILE]
    done = subprocess.run(command, cwd=CHECKOUT, env=quiet, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    books = json.loads(done.stdout.splitlines()[-1])
    assert (books["runs"], books["lost"], books["duplicated_effects"]) == (12, 0, 0)
    assert books["completed"] + books["in_doubt"] == 12
    assert books["kills"] >= 5


def test_a_bad_option_is_said_in_a_sentence():
    done = subprocess.run(
        [sys.executable, "manage.py", "chaos", "--runs", "many"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "invalid int value: 'many'" in done.stderr
