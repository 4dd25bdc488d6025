"""Start what is missing, tell where it is, stop what was started."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.services import postgres, valkey
from config.services.errors import CannotStart
from config.services.places import CHECKOUT, InUse, Places, claimed
from config.services.programs import programs

ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


@dataclass
class Services:
    """The addresses in use, as environment variables, and what runs of our own."""

    addresses: dict[str, str] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    postgres_port: int = 0


def say(line: str) -> None:
    """Show one line of progress now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def var_folder() -> Path:
    """Return ``VAR_DIR``, or ``var`` in the checkout."""
    return Path(os.environ.get("VAR_DIR") or CHECKOUT / "var")


@contextmanager
def services(var: Path, *, fast: bool = False, say: Callable[[str], None] = say) -> Iterator[Services]:
    """Yield the services in use: those the environment names, and servers of our own for the rest.

    Raises `CannotStart` with one sentence. ``fast`` is for tests, which make databases of their own: an empty cluster
    that is not durable, whose owner's address names a host.
    """
    places = Places.of(var)
    with ExitStack() as stack:
        try:
            stack.enter_context(claimed(places, "services"))
        except InUse as other:
            raise CannotStart(
                f"the services of {places.var} are in use by process {other.pid}: stop it first."
            ) from None
        running = Services({name: os.environ[name] for name in ADDRESSES if os.environ.get(name)})
        if "DATABASE_URL" not in running.addresses or "REDIS_URL" not in running.addresses:
            places.prepare()
            start_missing(running, places, fast, stack, say)
        running.addresses.setdefault("DATABASE_OWNER_URL", running.addresses["DATABASE_URL"])
        stack.callback(write_record, places.record, {"postgres_port": running.postgres_port})
        write_record(places.record, {**running.addresses, "postgres_port": running.postgres_port, "pid": os.getpid()})
        yield running


def start_missing(running: Services, places: Places, fast: bool, stack: ExitStack, say: Callable[[str], None]) -> None:
    """Start PostgreSQL and Valkey where no address is given; ``stack`` stops them."""
    found = programs(places)
    if "DATABASE_URL" not in running.addresses:
        say("Starting PostgreSQL")
        cluster = postgres.Cluster(places, found.postgres, fast=fast)
        stack.callback(cluster.stop)
        cluster.start(postgres.port_of(places.record), say)
        application, owner = (
            cluster.url(role, postgres.APPLICATION) for role in (postgres.APPLICATION, postgres.OWNER)
        )
        running.addresses["DATABASE_URL"] = cluster.url_by_host() if fast else application
        running.addresses["DATABASE_OWNER_URL"] = cluster.url_by_host() if fast else owner
        running.own.append("postgres")
        running.postgres_port = cluster.port
    if "REDIS_URL" not in running.addresses:
        say("Starting Valkey")
        broker = valkey.Broker(places, found.valkey)
        stack.callback(broker.stop)
        broker.start()
        running.addresses["REDIS_URL"] = broker.url
        running.own.append("valkey")


def write_record(path: Path, record: dict[str, object]) -> None:
    """Write ``record`` for this user alone, complete or not at all."""
    rough = path.with_suffix(".making")
    rough.unlink(missing_ok=True)
    with os.fdopen(os.open(rough, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(record, file, indent=1)
    rough.replace(path)
