"""The real server in front of the tests' database: what no test client can show (streams, browsers) is shown there."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def serve(tmp_path):
    """Start uvicorn with the tests' database and settings; keywords go into its environment."""
    with ExitStack() as stack:
        yield lambda **environment: stack.enter_context(served(tmp_path, **environment))


@contextmanager
def served(folder, **environment):
    """Give a server of the tests' database, and its address; end it politely, so that its coverage is kept."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    command = [sys.executable, "-m", "uvicorn", "tests.served_application:application", "--port", str(port)]
    surroundings = {**inherited, **surroundings_of(folder), **environment}
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=surroundings)
    try:
        until(lambda: listens(port, server))
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(60)
        finally:
            server.kill()
            server.wait()


def surroundings_of(folder):
    """Return the environment that gives a server the tests' own settings."""
    default = connection.settings_dict
    place = f"{default['USER']}:{default['PASSWORD']}@{default['HOST']}:{default['PORT']}/{default['NAME']}"
    return {
        "DATABASE_URL": f"postgresql://{place}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "OUTBOUND_ALLOWED": ",".join(settings.OUTBOUND_ALLOWED),
        "DEBUG": "1",
        "VAR_DIR": str(folder),
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port, server):
    assert server.poll() is None, "the server ended"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(done, seconds=120):
    """Look again and again until ``done()``; the deadline only bounds a failure."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def session_of(user):
    """Sign ``user`` in by writing the session that the sign-in would write."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session
