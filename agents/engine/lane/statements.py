"""The lane's statements: each takes columns of many rows, so that their number does not grow with the runs carried."""

from datetime import timedelta
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection, transaction

from agents.states import StepKind

KINDS: Final = (StepKind.CODE, StepKind.BRANCH)

# The run's row is locked first, as everywhere, and a run that somebody else works on is passed over. The oldest first.
# What is returned of a run is what was locked: the statement's own snapshot may be older.
# Interactive runs go first, and leave a share of the places to others.
DUE: Final = """
    SELECT step.id, step.run_id, run.status AS run_status, run.version_id, run.title, run.environment,
        run.input AS run_input, run.parent_id IS NULL AND run.session_id IS NULL AS is_plain
    FROM agents_step step JOIN agents_run run ON run.id = step.run_id
    WHERE step.status = 'ready' AND step.kind IN ('code', 'branch') AND step.thread = '' AND step.priority = {priority}
        AND (step.wake_at IS NULL OR step.wake_at <= clock_timestamp())
        AND run.finished_at IS NULL AND run.cancel_requested_at IS NULL AND run.steps_used < run.step_limit
        AND (run.time_up_at IS NULL OR run.time_up_at > clock_timestamp())
        AND NOT EXISTS (
            SELECT FROM workspaces_pause pause WHERE pause.released_at IS NULL AND pause.scope_id = ANY(step.scopes)
        )
        AND EXISTS (
            SELECT FROM agents_worker worker WHERE worker.id = %(mine)s
            AND worker.stopped_at IS NULL AND worker.died_at IS NULL
            AND worker.heartbeat_at > clock_timestamp() - %(silence)s::interval
        )
    ORDER BY step.id
    LIMIT {most}
    FOR NO KEY UPDATE OF run, step SKIP LOCKED
"""

TAKE: Final = """
WITH interactive AS MATERIALIZED (
    THOSE OF interactive
), batch AS MATERIALIZED (
    THOSE OF batch
), due AS MATERIALIZED (
    SELECT * FROM interactive UNION ALL SELECT * FROM batch
), begun AS (
    UPDATE agents_run run SET status = 'running', started_at = coalesce(run.started_at, clock_timestamp()),
        time_up_at = coalesce(run.time_up_at, clock_timestamp() + run.time_limit_seconds * interval '1 second')
    FROM due WHERE run.id = due.run_id AND run.status <> 'running'
)
UPDATE agents_step step SET status = 'running', attempt = step.attempt + 1, incarnation = %(mine)s,
    started_at = coalesce(step.started_at, clock_timestamp())
FROM due
WHERE step.id = due.id
RETURNING step.id, step.run_id, step.workspace_id, step.number, step.node, step.visit, step.attempt, step.input,
    due.run_status, due.version_id, due.title, due.environment, due.run_input, due.is_plain
""".replace("THOSE OF interactive", DUE.format(priority="'interactive'", most="%(most)s - %(kept)s")).replace(
    "THOSE OF batch", DUE.format(priority="'batch'", most="%(most)s - (SELECT count(*) FROM interactive)")
)

LOCK: Final = """
SELECT run.id, run.cancel_requested_at IS NOT NULL, run.steps_used, run.step_limit, EXISTS (
    SELECT FROM workspaces_pause pause WHERE pause.released_at IS NULL AND pause.scope_id = ANY(run.scopes)
), coalesce(run.time_up_at <= clock_timestamp(), false)
FROM agents_run run WHERE run.id = ANY(%s::uuid[]) ORDER BY run.id FOR NO KEY UPDATE
"""

END_STEPS: Final = """
UPDATE agents_step step SET status = done.status, output = done.output::jsonb, explanation = done.explanation,
    finished_at = clock_timestamp(), incarnation = NULL
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[])
    AS done(id, attempt, status, output, explanation)
WHERE step.id = done.id AND step.attempt = done.attempt AND step.incarnation = %s AND step.status = 'running'
RETURNING step.id
"""

ADD_STEPS: Final = """
INSERT INTO agents_step (
    id, workspace_id, run_id, number, turn, kind, status, call_id, input, explanation, scopes, is_repair, priority,
    node, thread, visit, awaits, attempt, failures, takeovers, incarnation, created_at, started_at
)
SELECT new.id, run.workspace_id, run.id, new.number, run.turn + 1, new.kind, new.status, '', new.input::jsonb, '',
    run.scopes, false, run.priority, new.node, '', new.visit, '', CASE new.status WHEN 'running' THEN 1 ELSE 0 END,
    0, 0,
    CASE new.status WHEN 'running' THEN %s::uuid END, clock_timestamp(),
    CASE new.status WHEN 'running' THEN clock_timestamp() END
FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[])
    AS new(id, run_id, number, kind, status, input, node, visit)
JOIN agents_run run ON run.id = new.run_id
"""

MOVE_RUNS: Final = """
UPDATE agents_run run SET status = moved.status, steps_used = run.steps_used + 1, outcome = moved.outcome::jsonb,
    turn = run.turn + moved.more, open_steps = run.open_steps - 1 + moved.more,
    explanation = coalesce(moved.explanation, run.explanation),
    finished_at = CASE WHEN moved.status IN ('succeeded', 'failed') THEN clock_timestamp() END
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::int[])
    AS moved(id, status, outcome, explanation, more)
WHERE run.id = moved.id
"""


def silence() -> timedelta:
    """Return for how long a worker may be silent before it counts as dead."""
    return timedelta(seconds=settings.WORKER_DEAD_AFTER_SECONDS)


def ask(statement: str, parameters: Any) -> list[Any]:
    """Run a statement on this thread's connection, prepared on the server, and return its rows."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("The lane writes inside a transaction only.")
    raw: psycopg.Connection[Any] = connection.connection
    with psycopg.Cursor(raw) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchall() if cursor.description else []
