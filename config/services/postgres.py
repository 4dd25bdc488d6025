"""One PostgreSQL cluster: made once, started, given its roles and its database, stopped.

Its Unix socket lies in a folder closed to other users and trusts whoever reaches it; the loopback port asks for
passwords, and neither ``postgres`` nor ``countersign`` has one, so that only roles made for it (the demo's CRM) get in.
"""

import json
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.services import processes
from config.services.errors import CannotStart
from config.services.places import Places

MAJOR = "18"
OWNER = "postgres"
APPLICATION = "countersign"
ENDING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
PATIENCE = 60.0
EMPTY = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass
class Cluster:
    """The cluster of ``places``, its programs in ``programs``.

    ``fast`` is for tests: nothing is durable, and the owner gets a password, so that he is reached by a host as well.
    ``settings`` are further ones, as ``name=value``.
    """

    places: Places
    programs: Path
    fast: bool = False
    settings: tuple[str, ...] = ()
    port: int = 0
    password: str = ""
    child: processes.Child | None = None

    @property
    def data(self) -> Path:
        return self.places.home / "postgres"

    def url(self, role: str, database: str) -> str:
        """Return the address of ``database`` for ``role`` by the Unix socket."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.places.sockets), safe='')}&port={self.port}"

    def url_by_host(self) -> str:
        """Return the address of the application's database for the owner by the loopback port."""
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{APPLICATION}"

    def start(self, wanted_port: int, say: Callable[[str], None]) -> None:
        """Leave the cluster running with its roles and its database; ``wanted_port`` is used where it is free."""
        self.end_leftover()
        if self.fast:
            self.password = secrets.token_urlsafe(24)
            shutil.rmtree(self.data, ignore_errors=True)
        if not self.is_made():
            say("Making the database cluster")
            self.make()
        deadline = time.monotonic() + PATIENCE
        while not self.try_start(wanted_port):
            words = self.child.last_words() if self.child else ""
            passing = "shared memory" in words or "could not create any TCP/IP sockets" in words
            if not passing or time.monotonic() > deadline:
                raise CannotStart(
                    f"PostgreSQL did not start; its log {self.places.logs / 'postgres.log'} ends:\n{words}"
                )
            time.sleep(0.5)
        furnish(self)

    def is_made(self) -> bool:
        """Return whether the data folder is complete; put an incomplete one aside."""
        if not self.data.exists():
            return False
        if not (self.data / "PG_VERSION").exists() or not (self.data / "global" / "pg_control").exists():
            aside = self.data.with_name("postgres.incomplete")
            shutil.rmtree(aside, ignore_errors=True)
            self.data.replace(aside)
            return False
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise CannotStart(
                f"{self.data} was written by PostgreSQL {found} and this is {MAJOR}: "
                "keep it elsewhere, or forget the demo's data with `make clean-demo`."
            )
        return True

    def make(self) -> None:
        """Run ``initdb`` beside the data folder and rename: whoever finds the folder finds all of it."""
        rough = self.places.home / "postgres.making"
        shutil.rmtree(rough, ignore_errors=True)
        self.places.own(rough)
        command: list[str | Path] = [
            self.programs / "initdb",
            "-D",
            rough,
            "-U",
            OWNER,
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
        ]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions", "--no-sync"]
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=EMPTY,
            **processes.identity(self.places.user),
        )
        if made.returncode != 0:
            raise CannotStart(
                f"the database cluster could not be made:\n{(made.stderr or made.stdout).strip()[-2000:]}"
            )
        rough.replace(self.data)

    def try_start(self, wanted_port: int) -> bool:
        """Start the server and wait for it; return False when it ended at once."""
        self.port = free_port(wanted_port)
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.places.sockets}"]
        options += ["unix_socket_permissions=0700", "max_connections=200", "log_min_messages=warning", "timezone=UTC"]
        options += ["log_line_prefix=%m [%p] %q%u@%d ", *(FAST if self.fast else ()), *self.settings]
        command: list[str | Path] = [
            self.programs / "postgres",
            "-D",
            self.data,
            *(part for option in options for part in ("-c", option)),
        ]
        self.child = processes.start(
            "postgres",
            command,
            log=self.places.logs / "postgres.log",
            environment=EMPTY,
            user=self.places.user,
            folder=Path("/"),
            on_parents_death=signal.SIGINT,
        )
        self.child.ending = ENDING
        child = self.child
        processes.wait_until(lambda: not child.is_alive or self.is_ready(), PATIENCE)
        return child.is_alive and self.is_ready()

    def is_ready(self) -> bool:
        """Return whether the server says in its pid file that it takes connections."""
        with suppress(OSError):
            return any(line.strip() == "ready" for line in self.pid_file.read_text().splitlines()[7:])
        return False

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def end_leftover(self) -> None:
        """End a server of this folder whose supervisor was killed, and remove a pid file that nobody stands behind."""
        with suppress(OSError, ValueError, IndexError):
            pid = int(self.pid_file.read_text().split()[0])
            if processes.end_leftover(pid, lambda command: str(self.data) in command, ENDING):
                self.pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()


def free_port(wanted: int) -> int:
    """Return ``wanted`` where nobody listens there, else any free port of the loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise CannotStart("no port of 127.0.0.1 is free.")


def furnish(cluster: Cluster) -> None:
    """Make the application's role and database, once and again: the role reads and writes rows and owns no table.

    Roles of other databases of this cluster (the demo's CRM) may not even connect to ours.
    """
    import psycopg
    from psycopg import sql

    with psycopg.connect(cluster.url(OWNER, OWNER), autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
            server.execute(f"CREATE ROLE {APPLICATION} LOGIN")
        server.execute(f"GRANT pg_read_all_stats TO {APPLICATION}")
        if cluster.password:
            server.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(cluster.password)))
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APPLICATION]).fetchone():
            server.execute(f"CREATE DATABASE {APPLICATION}")
        for name in (OWNER, APPLICATION):
            server.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        server.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {APPLICATION} TO {APPLICATION}")
    with psycopg.connect(cluster.url(OWNER, APPLICATION), autocommit=True) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS vector")
        to = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT"
        database.execute(f"{to} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION}")
        database.execute(f"{to} USAGE, SELECT ON SEQUENCES TO {APPLICATION}")


def port_of(record: Path) -> int:
    """Return the port that was used last, so that addresses stay what they were; 0 where none is known."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads(record.read_text())["postgres_port"])
    return 0
