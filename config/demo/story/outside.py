"""The outside systems as others see them: a colleague's SQL in the CRM, the inbox, a mail server that breaks off."""

import json
import logging
from asyncio import Transport
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg import sql
from psycopg.rows import dict_row

Row = dict[str, Any]
PLAIN = r"^[a-z0-9.]+@[a-z0-9.-]+\.[a-z]{2,}$"


class Crm:
    """The CRM, as a colleague works in it."""

    def __init__(self, var: Path) -> None:
        parts = json.loads((var / "crm.json").read_text())
        self._address = {"dbname": parts.pop("database"), **parts, "application_name": "a colleague"}
        self.connection = psycopg.connect(**self._address, autocommit=True, row_factory=dict_row)
        self._used: set[int] = set()

    def anybody(self) -> Row:
        """Return a customer whom no chapter has met yet."""
        query = "SELECT * FROM customers WHERE email ~ %s AND NOT id = ANY(%s) ORDER BY updated_at, id LIMIT 1"
        found: Row | None = self.connection.execute(query, [PLAIN, list(self._used)]).fetchone()
        if found is None:
            raise LookupError("The CRM has no customer left: `make clean-demo` starts afresh.")
        self._used.add(found["id"])
        return found

    def customer(self, number: int) -> Row:
        """Return the customer as they are now."""
        query = "SELECT * FROM customers WHERE id = %s"
        found: Row | None = self.connection.execute(query, [number]).fetchone()
        if found is None:
            raise LookupError(f"The CRM has no customer {number}.")
        return found

    def tier(self, number: int) -> str:
        """Return the customer's tier as it is now."""
        return str(self.customer(number)["tier"])

    def other_tier(self, *taken: str) -> str:
        """Return a tier that somebody has and that is none of ``taken``."""
        query = "SELECT tier FROM customers WHERE NOT tier = ANY(%s) GROUP BY tier ORDER BY tier LIMIT 1"
        found = self.connection.execute(query, [list(taken)]).fetchone()
        if found is None:
            raise LookupError("The CRM's customers have no other tier.")
        return str(found["tier"])

    def change(self, number: int, column: str, value: str) -> None:
        """Change one column, behind Countersign's back."""
        statement = sql.SQL("UPDATE customers SET {} = %s WHERE id = %s").format(sql.Identifier(column))
        self.connection.execute(statement, [value, number])

    @contextmanager
    def locked(self, number: int) -> Iterator[None]:
        """Hold the customer's row, so that whoever wants to change it waits; changes nothing."""
        with psycopg.connect(**self._address) as apart:
            apart.execute("SELECT 1 FROM customers WHERE id = %s FOR UPDATE", [number])
            yield

    def waiting(self) -> int:
        """Return how many of Countersign's statements wait for a lock."""
        query = (
            "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
            " AND wait_event_type = 'Lock'"
        )
        found = self.connection.execute(query).fetchone()
        return int(found["n"]) if found else 0


class Inbox:
    """The demo mail server's inbox."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=10, trust_env=False)

    def to(self, address: str) -> list[Row]:
        """Return the messages that arrived for ``address``, newest first."""
        found = self._http.get("/messages.json").json()["messages"]
        return [message for message in found if message["envelope_to"] == address]


class BreakingMailServer:
    """A mail server that takes a message and breaks the connection off before it answers."""

    def __init__(self, port: int) -> None:
        self.taken: list[str] = []
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take the message, and say nothing any more."""
        self.taken.append(", ".join(envelope.rcpt_tos))
        if isinstance(server.transport, Transport):
            server.transport.abort()
        return "250 Never heard"

    def __enter__(self) -> "BreakingMailServer":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
