"""Which tests coverage does not trace.

The tracer doubles what a test takes, so it rests in sweeps, which pass every line a thousand times, in tests that read
our files and run none of them, and in long tests whose lines others pass as well: coverage is a lower bound. Under
xdist, coverage has also started a tracer of its own in each process, which would go on beneath pytest-cov's: it ends
with the first rest.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from coverage import Coverage

NOT_TRACED = (
    "tests/integration/api/test_generated.py",
    "tests/integration/api/test_matrix.py",
    "tests/integration/api/test_story.py",
    "tests/integration/api/test_walk.py",
    "tests/integration/chaos/test_books.py",
    "tests/integration/chaos/test_machine.py",
    "tests/integration/console/test_live.py",
    "tests/integration/console/test_matrix.py",
    "tests/integration/console/test_sent_twice.py",
    "tests/integration/crashes/",
    "tests/integration/demo/test_seed.py",
    "tests/integration/demo/test_supervisor.py",
    "tests/integration/engine/test_adapters.py",
    "tests/integration/engine/test_answers.py",
    "tests/integration/engine/test_any_",
    "tests/integration/engine/test_caps.py",
    "tests/integration/engine/test_control.py",
    "tests/integration/engine/test_decisions.py",
    "tests/integration/engine/test_facts.py",
    "tests/integration/engine/test_hints.py",
    "tests/integration/engine/test_knowledge.py",
    "tests/integration/engine/test_money.py",
    "tests/integration/engine/test_outages.py",
    "tests/integration/engine/test_races.py",
    "tests/integration/engine/test_sessions.py",
    "tests/integration/ledger/test_append_only.py",
    "tests/integration/operating/test_procfile.py",
    "tests/integration/services/test_running.py",
    "tests/integration/workers/",
    "tests/unit/console/test_templates.py",
    "tests/unit/ledger/test_verification.py",
    "tests/unit/repo/",
    "tests/unit/tools/test_doors.py",
)

IN_PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""By this variable coverage traces the processes that a test starts, too."""


@contextmanager
def untraced(config: pytest.Config) -> Iterator[None]:
    """Let the tracer rest, here and in processes that are started meanwhile; without coverage there is none."""
    plugin = config.pluginmanager.getplugin("_cov")
    controller = plugin and plugin.cov_controller
    if not controller or not controller.started:
        yield
        return
    settled = os.environ.pop(IN_PROCESSES, None)
    controller.pause()
    if beneath := Coverage.current():
        beneath.stop()
    try:
        yield
    finally:
        controller.resume()
        if settled is not None:
            os.environ[IN_PROCESSES] = settled


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Let the tracer rest from the first fixture of a test to the last."""
    if not item.nodeid.startswith(NOT_TRACED):
        return (yield)
    with untraced(item.config):
        return (yield)
