"""The outside systems and their logs of effects, in processes that no trouble reaches.

The CRM is a ``conditional`` tool: a trigger writes down every change with the name of the session that made it, which
carries the action's key. The mail server is a ``none`` tool: it keeps each message with the action's key in a header.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from config.demo.crm import CrmAddresses, ensure
from config.services import postgres, processes
from config.services.errors import CannotStart
from config.services.places import CHECKOUT, Places
from config.services.running import say

HOST: Final = "127.0.0.1"
WRITE_DOWN: Final = """
CREATE TABLE changes (at timestamptz NOT NULL DEFAULT clock_timestamp(), session text, customer bigint, tier text);
CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO changes (session, customer, tier) VALUES (current_setting('application_name'), new.id, new.tier);
    RETURN NULL;
END $$;
CREATE TRIGGER write_down AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION write_down();
"""
ANSWER_LATE: Final = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_sleep({seconds});
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
LATE: Final = 0.3
"""Seconds that each commit at the CRM, and each answer of the mail server, takes: so long an effect is under way."""
CUSTOMERS: Final = """
INSERT INTO customers (id, name, email, tier)
SELECT 100000 + n, 'Customer ' || n, 'customer-' || n || '@chaos.example', 'standard' FROM generate_series(1, %s) n
"""


@dataclass
class Outside:
    """A CRM whose changes, and a mail server whose messages, can be counted by the key of an action."""

    crm: CrmAddresses
    way_in: str
    smtp_port: int
    messages: Path

    @classmethod
    @contextmanager
    def opened(cls, places: Places, programs: Path, password: str) -> Iterator["Outside"]:
        """Start both; stop them at the end."""
        say("Opening the outside systems")
        cluster = postgres.Cluster(places, programs)
        mail = None
        try:
            cluster.start(0, lambda _line: None)
            superuser = cluster.url(postgres.OWNER, postgres.OWNER)
            crm = ensure(superuser, password=password)
            found = cls(crm, make_conninfo(superuser, dbname=crm.database), postgres.free_port(0), places.var / "mail")
            with psycopg.connect(found.way_in, autocommit=True) as connection:
                connection.execute(WRITE_DOWN + ANSWER_LATE.format(seconds=LATE))
            mail = found.start_mail(places.logs)
            yield found
        finally:
            if mail is not None:
                mail.stop()
            cluster.stop()

    def start_mail(self, logs: Path) -> processes.Child:
        """Start the mail server and wait for it."""
        command = [sys.executable, "-m", "config.demo.mail", "--smtp-port", str(self.smtp_port), "--http-port", "0"]
        command += ["--answer-after", str(LATE)]
        log = logs / "mail.log"
        mail = processes.start("mail", [*command, "--folder", self.messages], log=log, folder=CHECKOUT)
        if (
            not processes.wait_until(lambda: "SMTP on" in mail.last_words() or not mail.is_alive, 30)
            or not mail.is_alive
        ):
            raise CannotStart(f"the mail server did not start; {log} ends:\n{mail.last_words()}")
        return mail

    @property
    def addresses(self) -> list[str]:
        """Where the application may call."""
        return [f"{self.crm.host}:{self.crm.port}", f"{HOST}:{self.smtp_port}"]

    def admit(self, customers: int) -> None:
        """Add that many customers, each to be changed by one run."""
        with psycopg.connect(self.way_in, autocommit=True) as connection:
            connection.execute(CUSTOMERS, [customers])

    def changes(self) -> Counter[str]:
        """Return how often the CRM was changed by each session's name."""
        with psycopg.connect(self.way_in, autocommit=True) as connection:
            rows = connection.execute("SELECT session, count(*) FROM changes GROUP BY session").fetchall()
        return Counter({str(session): int(number) for session, number in rows})

    def sent(self) -> Counter[str]:
        """Return how often a message arrived under each action's key."""
        parsed = (message_from_bytes(path.read_bytes()) for path in self.messages.glob("*.eml"))
        return Counter(str(message["X-Countersign-Action"]) for message in parsed)

    def effects(self) -> "Effects":
        """Return what both logs hold now."""
        return Effects(self.changes(), self.sent())


@dataclass(frozen=True)
class Effects:
    """How often each thing happened, by the outside systems' own logs."""

    changes: Counter[str]
    sent: Counter[str]

    def of(self, key: str) -> int:
        """Return how often the action with this idempotency key happened; the CRM saw it in the session's name."""
        return self.changes[f"countersign {key}"] + self.sent[key]
