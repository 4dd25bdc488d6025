"""The demo company's CRM: a PostgreSQL database of its own, which Countersign reaches only as an outside system.

The database and its tables belong to ``crm_owner``, who cannot sign in. The agent's role ``crm_agent`` may read
customers and orders and change three columns of a customer: what the role may not do, no agent can do, whatever
a policy says.
"""

from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.demo.customers import CUSTOMERS, ORDERS

LOCK: Final = 7_301_662_021
LOOPBACK: Final = "127.0.0.1"
SCHEMA: Final = """
CREATE TABLE customers (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    tier text NOT NULL DEFAULT 'standard' CHECK (tier IN ('standard', 'silver', 'gold')),
    address text NOT NULL DEFAULT '',
    note text,
    balance numeric(12, 2) NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    ordered_on date NOT NULL,
    item text NOT NULL,
    total numeric(12, 2) NOT NULL CHECK (total >= 0),
    status text NOT NULL CHECK (status IN ('paid', 'shipped', 'returned'))
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER customers_touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
"""


@dataclass(frozen=True, slots=True)
class CrmAddresses:
    """Where the agent's role reaches the CRM over TCP: the parts of a ``postgres`` connection."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str


def ensure(superuser_url: str, *, password: str, database: str = "crm") -> CrmAddresses:
    """Create what is missing of the CRM and return how the agent's role reaches it.

    ``password`` is made once and kept by the caller; the role gets it each time. The roles are named after the
    database. Can be repeated at any time, also after an interruption or by two at once. Rows are written only in the
    transaction that creates their tables: what people changed or deleted since stays as it is.
    """
    owner, agent = f"{database}_owner", f"{database}_agent"
    with psycopg.connect(superuser_url, autocommit=True) as connection, _alone(connection):
        _ensure_role(connection, owner, None)
        _ensure_role(connection, agent, password)
        _ensure_database(connection, database, owner)
    with psycopg.connect(make_conninfo(superuser_url, dbname=database)) as connection:
        _ensure_tables(connection, owner)
        _grant(connection, database, agent)
        host, port = tcp_address(superuser_url)
        return CrmAddresses(host, port, database, agent, password, "disable" if host == LOOPBACK else "prefer")


def tcp_address(superuser_url: str) -> tuple[str, int]:
    """Return host and port of the server over TCP: for one reached by a socket, those of the loopback."""
    parts = conninfo_to_dict(superuser_url)
    host = str(parts.get("host") or "")
    return host if host and not host.startswith("/") else LOOPBACK, int(parts.get("port") or 5432)


class _alone:
    """Hold the cluster's advisory lock for creating the CRM, so that two at once do not trip over each other."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])

    def __exit__(self, *_: object) -> None:
        self._connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _ensure_role(connection: psycopg.Connection, name: str, password: str | None) -> None:
    role = sql.Identifier(name)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    if password is not None:
        hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(hashed)))


def _ensure_database(connection: psycopg.Connection, name: str, owner: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    create = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'"
    try:
        connection.execute(sql.SQL(create).format(sql.Identifier(name), sql.Identifier(owner)))
    except errors.DuplicateDatabase:
        return  # made by someone who does not know the lock


def _ensure_tables(connection: psycopg.Connection, owner: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if connection.execute("SELECT to_regclass('public.customers')").fetchone() != (None,):
        return
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
    connection.execute(SCHEMA)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO customers (id, name, email, tier, address, note, balance) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            CUSTOMERS,
        )
        cursor.executemany(
            "INSERT INTO orders (id, customer_id, ordered_on, item, total, status) VALUES (%s, %s, %s, %s, %s, %s)",
            ORDERS,
        )
    connection.execute("RESET ROLE")


def _grant(connection: psycopg.Connection, database: str, agent: str) -> None:
    role, name = sql.Identifier(agent), sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("GRANT SELECT ON customers, orders TO {}").format(role))
    connection.execute(sql.SQL("GRANT UPDATE (tier, address, note) ON customers TO {}").format(role))
