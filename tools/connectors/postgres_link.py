"""One connection to an outside PostgreSQL database, opened for one call, and what its failures prove.

The environment of this process (``PGPASSWORD``, ``PGHOSTADDR``, ``~/.pgpass``…) belongs to our own database: every
parameter that libpq would take from there is set explicitly, so that nothing of it can reach an outside server.

What a failure proves depends on the ``stage`` it met. Nothing can be committed before COMMIT was sent, but only an
answer of the server is taken as proof once a changing statement has left (a pooler may stand in between).
"""

import math
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql

from tools.connectors.base import ConnectorError, NotSent, Refused, Target, Unknown
from tools.connectors.deadline import Deadline, endpoint, resolve
from tools.connectors.redaction import redact

NOWHERE: Final = "/nonexistent/countersign"
BUSY: Final = (
    "not currently accepting connections",
    "too many",
    "starting up",
    "shutting down",
    "recovery",
    "remaining connection slots",
    "not yet accepting",
)
CREDENTIAL: Final = ("password authentication failed", "no password supplied", "not permitted to log in", "pg_hba.conf")
CLIENT_SIDE: Final = (
    "server closed the connection",
    "could not receive",
    "could not send",
    "timeout",
    "SSL ",
    "refused",
)
ABSENT: Final = ("does not exist", "permission denied for database")
TEMPORARY: Final = ("40", "53", "55P03", "57P", "58")
UNSURE: Final = ("08", "40003")

Found = TypeVar("Found")


@dataclass(slots=True)
class Link:
    """An open connection, the deadline over it, and how far a change has come: ``begun``, ``update`` or ``commit``."""

    connection: psycopg.Connection
    target: Target
    deadline: Deadline
    stage: str = "begun"
    evidence: dict[str, Any] = field(default_factory=dict)

    def rows(self, query: sql.Composed | LiteralString, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raise ``NotSent`` instead of sending it after the deadline."""
        self.deadline.require()
        cursor = self.connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []

    def begin(self, *, write: bool) -> None:
        """Begin, and let the server give up by itself, before this side does: a lock, a statement, a silence too long.

        So whatever is still in the network when this side gives up has no effect later than that.
        """
        self.rows("BEGIN READ WRITE" if write else "BEGIN READ ONLY")
        left = self.deadline.require() * 1000
        limits = [f"{math.ceil(left * share)}ms" for share in (0.7, 0.8, 0.8)]
        self.rows(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true),"
            " set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),"
            " set_config('intervalstyle', 'postgres', true), set_config('bytea_output', 'hex', true),"
            " set_config('extra_float_digits', '1', true)",
            limits,
        )

    def commit(self) -> None:
        """Commit; raise ``Refused`` where the server answers that it rolled back instead."""
        self.deadline.require()
        self.stage = "commit"
        tag = self.connection.execute("COMMIT").statusmessage
        if tag != "COMMIT":
            raise Refused("The database rolled the change back: nothing was changed.", self.evidence)


def call(target: Target, work: Callable[[Link], Found], *, key: str = "", write: bool = False) -> Found:
    """Run ``work`` in one transaction on a connection of its own and close it; read-only unless ``write``.

    Every failure is raised as a ``ConnectorError`` outside the handler of the library's exception, so that nothing
    that holds the credential in its frames hangs on it.
    """
    deadline = Deadline(target.deadline_seconds)
    connection, refusal = _connect(target, deadline, application_name(key))
    if connection is None:
        raise refusal or NotSent("The database could not be reached.")
    link = Link(connection, target, deadline, evidence=described(target))
    try:
        with deadline.watch(connection.fileno()):
            link.begin(write=write)
            return work(link)
    except psycopg.Error as error:
        failure = failed(link, error)
    finally:
        connection.close()
    raise failure


def application_name(key: str) -> str:
    """Return the name under which the call for ``key`` is seen at the server (63 bytes are kept there)."""
    short = key if key.isascii() and key.isprintable() and len(key) <= 50 else sha256(key.encode()).hexdigest()[:40]
    return f"countersign {short}".strip()


def server_name(target: Target) -> str:
    """Return where the connection leads, for people."""
    config = target.config
    return f"{config.get('host')}:{config.get('port')}/{config.get('database')}"


def described(target: Target) -> dict[str, Any]:
    """Return the parts of the address that may be shown as evidence."""
    return {"server": server_name(target), "user": target.config.get("user")}


def _connect(target: Target, deadline: Deadline, name: str) -> tuple[psycopg.Connection | None, ConnectorError | None]:
    host, port = endpoint(target.config)
    address = "" if host.startswith("/") else resolve(target.config, host, port, deadline)
    try:
        connection = psycopg.connect(
            host=host, port=port, hostaddr=address, application_name=name, autocommit=True, prepare_threshold=None,
            **_parameters(target, deadline),
        )  # fmt: skip
    except psycopg.Error as error:
        return None, _unreachable(target, error)
    return connection, None


def _parameters(target: Target, deadline: Deadline) -> dict[str, Any]:
    left = deadline.require()
    verify = str(target.config.get("sslmode", "")).startswith("verify")
    return {
        "dbname": str(target.config.get("database") or ""),
        "user": str(target.config.get("user") or ""),
        "password": str(target.secret.get("password") or ""),
        "sslmode": str(target.config.get("sslmode") or "prefer"),
        "sslrootcert": (ssl.get_default_verify_paths().cafile or "system") if verify else NOWHERE,
        "sslcert": NOWHERE,
        "sslkey": NOWHERE,
        "passfile": NOWHERE,
        "gssencmode": "disable",
        "options": "",
        "target_session_attrs": "any",
        "load_balance_hosts": "disable",
        "connect_timeout": max(2, math.ceil(left)),
        "tcp_user_timeout": math.ceil(left * 1000),
        "client_encoding": "UTF8",
    }


def _unreachable(target: Target, error: psycopg.Error) -> ConnectorError:
    """Class a failed connection. libpq gives no SQLSTATE here, and servers answer in their own language.

    So known sentences decide first; a sign-in that was turned down after the password went out counts as refused
    whatever the language, because trying a wrong password again locks accounts.
    """
    said = redact(str(error), target.secret)
    where = server_name(target)
    evidence = {**described(target), "said": said}
    signed = error.pgconn is not None and error.pgconn.used_password
    if any(words in said for words in CREDENTIAL):
        return Refused(f"The credential was refused: renew it ({where}).", evidence)
    if any(words in said for words in BUSY):
        return NotSent(f"The database {where} takes no connections right now: try again later.", evidence)
    if any(words in said for words in ABSENT):
        return Refused(f"The database {where} does not let this user in: correct the connection.", evidence)
    if signed and not any(words in said for words in CLIENT_SIDE):
        return Refused(f"The credential was refused: renew it ({where}).", evidence)
    return NotSent(f"The database {where} could not be reached: check that it runs and can be reached.", evidence)


def failed(link: Link, error: psycopg.Error) -> ConnectorError:
    """Class a failure on an open connection by what the server said and by how far the change had come."""
    said = redact(str(error), link.target.secret)
    evidence = {**link.evidence, "stage": link.stage, "sqlstate": error.sqlstate, "said": said}
    answered = error.sqlstate is not None and not error.sqlstate.startswith(UNSURE)
    if link.stage != "commit" and not answered and isinstance(error, psycopg.DataError):
        return Refused("A value there has no JSON form (infinity, or a year beyond 9999).", evidence)
    if link.stage == "begun" and not answered:
        return NotSent("The connection to the database was lost while reading; nothing was changed.", evidence)
    if not answered or (link.stage == "commit" and error.diag.severity_nonlocalized != "ERROR"):
        return Unknown(_doubt(link.stage), evidence)
    if str(error.sqlstate).startswith(TEMPORARY):
        return NotSent(f"The database did nothing and may do it later: {_first(said)}", evidence)
    return Refused(f"The database refused: {_first(said)}", evidence)


def _doubt(stage: str) -> str:
    if stage == "commit":
        return "The connection was lost after COMMIT was sent: the change may have happened."
    return (
        "The connection was lost after the change was sent and before it could be committed: look whether it happened."
    )


def _first(said: str) -> str:
    return said.splitlines()[0] if said else "it gave no reason."


def backends(link: Link, name: str) -> int:
    """Return how many other sessions under this ``application_name`` still work at the server."""
    query: LiteralString = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = %s AND pid <> pg_backend_pid() AND state IS DISTINCT FROM 'idle'"
    )
    found = link.rows(query, [name])
    return int(found[0][0])
