"""Real worker processes on a broker and committed data of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection

from tests.integration.engine.conftest import talker
from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger", "talker"]
ROOT = Path(__file__).resolve().parents[3]
DEAD_AFTER = 3


class WorkerProcess:
    """One ``celery worker`` process: a thread pool, its heartbeat and its sweep."""

    def __init__(self, name: str, environment: dict[str, str], app: str = "config.celery") -> None:
        self.log = open(f"/tmp/countersign-test-{os.getpid()}-{name}.log", "w+b")  # noqa: SIM115 - closed in end()
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "--pool", "threads"]
        self.process = subprocess.Popen(
            [*command, "--concurrency", "4", "--hostname", f"{name}@%h", "--loglevel", "WARNING", "--without-mingle"],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=60)

    def end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        self.log.close()
        Path(self.log.name).unlink(missing_ok=True)

    def said(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")


@pytest.fixture
def workers(transactional_db, settings):
    """Start workers by name; all of them are gone when the test ends."""
    settings.WORKER_DEAD_AFTER_SECONDS = DEAD_AFTER
    environment = worker_environment()
    redis.Redis.from_url(environment["REDIS_URL"]).flushdb()
    with ExitStack() as stack:

        def start(name: str = "one", *, without: Collection[str] = (), app: str = "config.celery") -> WorkerProcess:
            given = {**environment, "OUTBOUND_ALLOWED": ",".join(settings.OUTBOUND_ALLOWED)}
            worker = WorkerProcess(name, {key: value for key, value in given.items() if key not in without}, app)
            stack.callback(worker.end)
            return worker

        yield start


def worker_environment() -> dict[str, str]:
    parts = connection.settings_dict
    login = f"{parts['USER']}:{parts['PASSWORD']}@" if parts["PASSWORD"] else f"{parts['USER']}@"
    base = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return {
        **base,
        "DEBUG": "1",
        "DATABASE_URL": f"postgresql://{login}{parts['HOST']}:{parts['PORT']}/{parts['NAME']}",
        "REDIS_URL": django_settings.REDIS_URL,
        "ENCRYPTION_KEYS": ",".join(django_settings.ENCRYPTION_KEYS),
        "WORKER_DEAD_AFTER_SECONDS": str(DEAD_AFTER),
        "WORKER_HEARTBEAT_SECONDS": "1",
        "SWEEP_SECONDS": "1",
        "RETRY_BASE_SECONDS": "1",
    }


def until(condition, seconds=120, what="it"):
    """Poll until ``condition`` holds; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


@contextmanager
def broker():
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    try:
        yield client
    finally:
        client.close()
