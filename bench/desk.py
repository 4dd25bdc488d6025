"""A support desk on a CRM database and a mail server of its own: the one that the tests use, without the tests."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from config.demo.crm import ensure
from config.demo.desk import build_desk
from tests.desks import CRM_PASSWORD, Crm, Office, superuser
from tests.factories import SETUP, make_cast
from tests.mailbox import MailServer
from workspaces.operations import teams


@contextmanager
def own_desk() -> Iterator[Office]:
    """Set the desk up in the connected database; drop its CRM at the end."""
    from config.celery import app

    app.conf.task_default_queue = "bench"
    name = f"bench_crm_{os.getpid()}"
    with ExitStack() as stack:
        stack.callback(app.control.purge)
        crm = ensure(superuser(), password=CRM_PASSWORD, database=name)
        stack.callback(_drop, name)
        server = stack.enter_context(MailServer())
        settings.OUTBOUND_ALLOWED = [f"{crm.host}:{crm.port}", f"127.0.0.1:{server.port}"]
        way_in = make_conninfo(superuser(), dbname=crm.database)
        colleague: Any = stack.enter_context(psycopg.connect(way_in, autocommit=True, row_factory=dict_row))
        yield _office(crm, colleague, server)


def _office(crm: Any, colleague: Any, server: MailServer) -> Office:
    cast = make_cast()
    desk = build_desk(
        workspace=cast.workspace,
        crm={"host": crm.host, "port": crm.port, "database": crm.database, "user": crm.user, "sslmode": "disable"},
        crm_secret={"password": CRM_PASSWORD},
        mail={"host": "127.0.0.1", "port": server.port, "security": "none"},
        sender="support@desk.example",
        endpoints=[{"provider": "demo", "model": "demo-planner"}],
        by=SETUP,
    )
    teams.grant(team=cast.reviewers, codename="decide_reviewqueue", target=desk.queue, by=SETUP)
    for right in ("view_agent", "start_agent", "control_agent"):
        teams.grant(team=cast.reviewers, codename=right, target=desk.agent, by=SETUP)
    return Office(desk, cast, Crm(colleague), server.mailbox)


def _drop(name: str) -> None:
    with psycopg.connect(superuser(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (f"{name}_agent", f"{name}_owner"):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
