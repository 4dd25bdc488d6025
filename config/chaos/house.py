"""The servers of one crash test: the database and the broker that suffer, and the outside systems that nobody touches.

What the database has committed survives its own death, as in production. The death of the machine, which is not tried
here, it would not survive: so a restart takes a second. The outside is a cluster of its own, whose CRM writes every
change down, and a mail server that keeps every message.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from config.chaos.outside import Outside
from config.demo import keys
from config.services import postgres, processes, valkey
from config.services.errors import CannotStart
from config.services.places import CHECKOUT, InUse, Places, claimed
from config.services.programs import programs
from config.services.running import say

INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
PATIENCE = 60.0
PROCESSES_DIE = ("fsync=off", "full_page_writes=off")
QUICK = {"WORKER_HEARTBEAT_SECONDS": "1", "WORKER_DEAD_AFTER_SECONDS": "4"}
"""Death is noticed sooner than by default, so that a minute holds more of it; everything else is as deployed."""


@dataclass
class House:
    """What runs, and the environment in which the application's processes run."""

    folder: Path
    cluster: postgres.Cluster
    broker: valkey.Broker
    outside: Outside
    environment: dict[str, str] = field(default_factory=dict)

    def restart_database(self) -> None:
        """Do what ``pg_ctl restart -m immediate`` does: every session dies, and the log is replayed."""
        old = self.cluster.child
        if old is not None:
            old.process.send_signal(signal.SIGQUIT)
            old.process.wait(PATIENCE)
            old.stop()
        if not processes.wait_until(lambda: self.cluster.try_start(self.cluster.port), PATIENCE):
            raise CannotStart(f"the database did not come back; see {self.cluster.places.logs}.")

    def restart_broker(self) -> None:
        """Kill the broker, and start an empty one at the same address."""
        old, parts = self.broker.child, urlsplit(self.broker.url)
        if old is not None:
            old.process.kill()
            old.process.wait(PATIENCE)
        self.broker.child = self.broker.launch(parts.port or 0, parts.password or "")
        if not processes.wait_until(self.broker.answers, PATIENCE):
            raise CannotStart(f"the broker did not come back; see {self.broker.places.logs}.")

    def empty_broker(self) -> None:
        """Do ``FLUSHALL``."""
        import redis

        with redis.Redis.from_url(self.broker.url, socket_timeout=PATIENCE) as client:
            client.flushall()


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Start the servers, migrate the database; stop all of it at the end, and remove the data."""
    ours, theirs = Places.of(folder / "own"), Places.of(folder / "outside")
    with ExitStack() as stack:
        _claim(ours, stack)
        for places in (ours, theirs):
            places.prepare()
            stack.callback(shutil.rmtree, places.home / "postgres", ignore_errors=True)
        found = programs(ours)
        cluster = postgres.Cluster(ours, found.postgres, settings=PROCESSES_DIE)
        stack.callback(cluster.stop)
        cluster.start(0, say)
        broker = valkey.Broker(ours, found.valkey)
        stack.callback(broker.stop)
        broker.start()
        secrets = keys.fresh()
        outside = stack.enter_context(Outside.opened(theirs, found.postgres, secrets["DEMO_CRM_PASSWORD"]))
        house = House(folder, cluster, broker, outside)
        house.environment = _environment(house, secrets)
        _migrate(house)
        yield house


def _claim(places: Places, stack: ExitStack) -> None:
    try:
        stack.enter_context(claimed(places, "chaos"))
    except InUse as other:
        raise CannotStart(f"{places.var} is in use by process {other.pid}: name another folder.") from None


def forget(folder: Path) -> None:
    """Remove everything that a crash test in ``folder`` has left."""
    for part in ("own", "outside"):
        Places.of(folder / part).forget()
    shutil.rmtree(folder, ignore_errors=True)


def _environment(house: House, secrets: dict[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        **QUICK,
        **{name: secrets[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "LEDGER_SIGNING_KEY")},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": house.cluster.url(postgres.APPLICATION, postgres.APPLICATION),
        "REDIS_URL": house.broker.url,
        "OUTBOUND_ALLOWED": ",".join(house.outside.addresses),
        "VAR_DIR": str(house.folder),
        "LEDGER_WITNESS_FILE": str(house.folder / "witness.jsonl"),
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def _migrate(house: House) -> None:
    say("Applying migrations")
    owner = {**house.environment, "DATABASE_URL": house.cluster.url(postgres.OWNER, postgres.APPLICATION)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    if subprocess.run(command, cwd=CHECKOUT, env=owner, check=False).returncode:
        raise CannotStart("the database could not be migrated; the lines above say why.")
