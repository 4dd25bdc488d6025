"""A support desk on real outside systems: a CRM database of its own and a mail server. Fixtures for any test folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import Run
from agents.operations import start_run
from approvals.models import Request
from approvals.operations import Answer, decide
from approvals.states import DecisionKind
from config.demo.crm import ensure
from config.demo.desk import Desk, build_desk
from tests.beginnings import begin_with
from tests.factories import SETUP, Cast
from tests.mailbox import Mailbox, MailServer
from workspaces.operations import teams

CRM_PASSWORD = "s3cret-of-the-crm"


def superuser() -> str:
    """Return the address of the tests' PostgreSQL server with the right to create databases and roles."""
    default = django_settings.DATABASES["default"]
    parts = {"host": default["HOST"], "port": default["PORT"], "user": default["USER"], "password": default["PASSWORD"]}
    return make_conninfo(dbname="postgres", **{name: value for name, value in parts.items() if value})


@pytest.fixture(scope="session")
def desk_crm():
    """A scratch CRM, made once for the session and dropped after it."""
    name = f"desk_crm_{os.getpid()}"
    yield ensure(superuser(), password=CRM_PASSWORD, database=name)
    with psycopg.connect(superuser(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (f"{name}_agent", f"{name}_owner"):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture
def crm(desk_crm):
    """The colleague's own way into the CRM, which starts each test as it was seeded."""
    with psycopg.connect(make_conninfo(superuser(), dbname=desk_crm.database), autocommit=True) as connection:
        connection.row_factory = dict_row
        known = Crm(connection)
        before = known.customers()
        yield known
        known.put(before)


@dataclass
class Crm:
    connection: psycopg.Connection

    def customers(self) -> list[dict]:
        return self.connection.execute("SELECT id, tier, address, note FROM customers ORDER BY id").fetchall()

    def put(self, customers: list[dict]) -> None:
        """Let the customers be as they were when they were read."""
        now = self.customers()
        for row in customers:
            if row not in now:
                self.change(row["id"], **{name: value for name, value in row.items() if name != "id"})

    def customer(self, number: int) -> dict:
        return self.connection.execute("SELECT * FROM customers WHERE id = %s", [number]).fetchone()

    def change(self, number: int, **values: str | None) -> None:
        for name, value in values.items():
            self.connection.execute(
                sql.SQL("UPDATE customers SET {} = %s WHERE id = %s").format(sql.Identifier(name)), [value, number]
            )

    def anybody(self, tier: str = "standard") -> dict:
        found = "SELECT * FROM customers WHERE tier = %s ORDER BY id LIMIT 1"
        return self.connection.execute(found, [tier]).fetchone()


@pytest.fixture(scope="session")
def post_office():
    with MailServer() as server:
        yield server


@pytest.fixture
def mail_server(post_office: MailServer):
    """The one mail server of the session, with a mailbox of the test's own."""
    post_office.empty()
    return post_office


@pytest.fixture
def desk(cast: Cast, desk_crm, crm: Crm, mail_server: MailServer, settings) -> "Office":
    """The desk in the cast's workspace: reviewer and finance decide and work with the agent; so may the service."""
    settings.OUTBOUND_ALLOWED = [f"{desk_crm.host}:{desk_crm.port}", f"127.0.0.1:{mail_server.port}"]
    settings.RETRY_BASE_SECONDS = 0
    built = begin_with("desk", lambda: furnished(cast, desk_crm, mail_server))
    return Office(built, cast, crm, mail_server.mailbox)


def furnished(cast: Cast, desk_crm, mail_server: MailServer) -> Desk:
    """Build the desk and give the cast's teams their rights on it."""
    built = build_desk(
        workspace=cast.workspace,
        crm={
            "host": desk_crm.host,
            "port": desk_crm.port,
            "database": desk_crm.database,
            "user": desk_crm.user,
            "sslmode": "disable",
        },
        crm_secret={"password": CRM_PASSWORD},
        mail={"host": "127.0.0.1", "port": mail_server.port, "security": "none"},
        sender="support@desk.example",
        endpoints=[{"provider": "demo", "model": "demo-planner"}],
        by=SETUP,
    )
    for team in (cast.reviewers, cast.financiers):
        teams.grant(team=team, codename="decide_reviewqueue", target=built.queue, by=SETUP)
    for team in (cast.reviewers, cast.financiers, cast.operators):
        for right in ("view_agent", "start_agent", "control_agent"):
            teams.grant(team=team, codename=right, target=built.agent, by=SETUP)
    return built


@dataclass
class Office:
    """The desk, its people and its outside systems, with the few moves that most tests make."""

    desk: Desk
    cast: Cast
    crm: Crm
    mailbox: Mailbox

    def begin(self, name: str, make: Callable[[], Run]) -> Run:
        """Let the test begin after ``make``, here and outside; what it does is carried out once in a process."""
        run, customers, messages = begin_with(name, lambda: (make(), self.crm.customers(), self.mailbox.messages))
        self.crm.put(customers)
        self.mailbox.messages[:] = messages
        return run

    def start(self, text: str, by=None) -> Run:
        """Give a ticket to the agent and carry the run on until it rests."""
        return self.rest(start_run(agent_id=self.desk.agent.id, text=text, by=by or self.cast.owner))

    def rest(self, run: Run) -> Run:
        """Sweep and drive until nothing moves any more."""
        for _ in range(30):
            sweep(lambda _run: None)
            while drive(run.id):
                pass
            if not run.steps.filter(status__in=["ready", "running"]).exists():
                sweep(lambda _run: None)
                if not run.steps.filter(status__in=["ready", "running"]).exists():
                    break
        run.refresh_from_db()
        return run

    def requests(self, run: Run) -> list[Request]:
        return list(Request.objects.open().filter(run_id=run.id).select_related("action__tool").order_by("opened_at"))

    def request_for(self, run: Run, tool: str) -> Request:
        return next(r for r in self.requests(run) if r.action and r.action.tool.name == tool)

    def answer(self, request: Request, kind: str = "approve", by=None, **said):
        """Let somebody decide on what they see."""
        answer = Answer(kind=DecisionKind(kind), seen=request.evidence_digest, **said)
        return decide(request_id=request.id, answer=answer, by=by or self.cast.reviewer)
