"""A workspace with a month of work in it: real runs, each repeated with ids and times of its own.

The templates are carried out by the product's own operations. Every row that belongs to one of them is then copied, by
one statement a table and past the triggers: what refers to a row of the template refers to the copy's row, times lie
further back, and what has to be unique is made so. What stands in JSON stays as it was in the template.
"""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

from agents.models import Run, Step
from approvals.models import Decision, Request, Verdict
from audit.ledger.models import Event
from memory.models import Message, Session
from tools.models import Action, ActionAttempt, UsageRecord

MINUTES = 4
"""Between one copy of a template and the next: 10,000 of them are four weeks."""
TABLES: tuple[type[models.Model], ...] = (
    Session,
    Message,
    Run,
    Step,
    Action,
    ActionAttempt,
    Verdict,
    Request,
    Decision,
    UsageRecord,
    Event,
)
COPIED_ID = """
CREATE OR REPLACE FUNCTION pg_temp.copied_id(old uuid, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
SELECT (lpad(to_hex(('x' || substr(replace(old::text, '-', ''), 1, 12))::bit(48)::bigint - n::bigint * %s), 12, '0')
        || '7' || substr(md5(old::text || n), 14))::uuid $$
"""


def multiply(
    templates: list[Run], times: int, *, apart: int = MINUTES, without: Collection[type[models.Model]] = ()
) -> None:
    """Copy each of ``templates``, with all that belongs to it, ``times`` times, ``apart`` minutes from one another.

    Rows of the models in ``without`` are left out.
    """
    rows = {model: belonging(model, templates) for model in TABLES if model not in without}
    ids = [row for found in rows.values() for row in found]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COPIED_ID % (apart * 60_000))
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model, found in rows.items():
            if found:
                copy(cursor, model, found, ids, times, apart)


def belonging(model: type[models.Model], templates: list[Run]) -> list[Any]:
    """Return the ids of the rows of ``model`` that belong to ``templates``."""
    runs = [run.id for run in templates]
    sessions = [run.session_id for run in templates if run.session_id]
    steps = list(Step.objects.filter(run_id__in=runs).values_list("id", flat=True))
    actions = list(Action.objects.filter(run_id__in=runs).values_list("id", flat=True))
    requests = list(Request.objects.filter(run_id__in=runs).values_list("id", flat=True))
    subjects = [str(one) for one in [*runs, *steps, *actions, *requests]]
    where: dict[type[models.Model], dict[str, Any]] = {
        Session: {"id__in": sessions},
        Message: {"session_id__in": sessions},
        Run: {"id__in": runs},
        ActionAttempt: {"action_id__in": actions},
        Verdict: {"action_id__in": actions},
        Decision: {"request_id__in": requests},
        Event: {"subject_id__in": subjects},
    }
    found = model._default_manager.filter(**where.get(model, {"run_id__in": runs}))
    return list(found.values_list("pk", flat=True))


def copy(cursor: Any, model: type[models.Model], rows: list[Any], ids: list[Any], times: int, apart: int) -> None:
    """Insert ``times`` copies of ``rows``."""
    fields = [field for field in model._meta.local_concrete_fields if not (model is Event and field.name in OWN)]
    columns = [sql.Identifier(field.column) for field in fields]
    cursor.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} o CROSS JOIN generate_series(1, {times}) n"
            " WHERE o.{key} = ANY({rows})"
        ).format(
            table=sql.Identifier(model._meta.db_table),
            columns=sql.SQL(", ").join(columns),
            values=sql.SQL(", ").join(value(field, ids, apart) for field in fields),
            times=times,
            key=sql.Identifier(model._meta.pk.column),
            rows=rows,
        )
    )


OWN = ("sequence", "txid", "epoch")
"""What the database itself gives each event."""


UNIQUE = ("idempotency_key", "subject_ref")
"""Texts that no two rows share."""


def value(field: "models.Field[Any, Any]", ids: list[Any], apart: int) -> sql.Composed:
    """Return the expression of a copy's value in a column."""
    column = sql.SQL("o.{}").format(sql.Identifier(field.column))
    kind = field.db_type(connection) or ""
    if kind == "uuid":
        return sql.SQL("CASE WHEN {0} = ANY({1}) THEN pg_temp.copied_id({0}, n) ELSE {0} END").format(column, ids)
    if kind == "uuid[]":
        return sql.SQL(
            "ARRAY(SELECT CASE WHEN one = ANY({1}) THEN pg_temp.copied_id(one, n) ELSE one END FROM unnest({0}) one)"
        ).format(column, ids)
    if kind == "timestamp with time zone":
        return sql.SQL("{} - n * make_interval(mins => {})").format(column, apart)
    if field.name == "subject_id":
        return sql.SQL("pg_temp.copied_id({}::uuid, n)::text").format(column)
    if field.name == "awaits":
        named = sql.SQL("split_part({0}, ':', 1) || ':' || pg_temp.copied_id(split_part({0}, ':', 2)::uuid, n)")
        return sql.SQL("CASE WHEN {0} ~ '^(form|child):' THEN {1} ELSE {0} END").format(column, named.format(column))
    if field.name in UNIQUE:
        return sql.SQL("{} || '-' || n").format(column)
    return sql.SQL("{}").format(column)


def counts() -> dict[str, int]:
    """Return how many rows there are of each kind that was copied."""
    return {model._meta.model_name or "": model._default_manager.count() for model in TABLES}


def analyse() -> None:
    """Let PostgreSQL count what is there, as its own autovacuum would by now."""
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed:
                cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(model._meta.db_table)))
