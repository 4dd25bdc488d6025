"""Columns of every type, compared, changed and put back exactly (DESIGN invariants 2 and 18)."""

from dataclasses import replace

import pytest
from psycopg import sql

from tools.connectors.base import Drifted
from tools.connectors.registry import operation

UPDATE = operation("postgres", "row.update")
TYPED = [
    ("sheet", '{"n": 5.0,  "n2": 12345678901234567890}', '{"n": 6}'),
    ("tree", '{"n": 5.0, "m": [1, 2]}', '{"n": 6}'),
    ("list", "{1,NULL,3}", "{}"),
    ("span", "1 mon -2 days +03:00:00", "40 days"),
    ("code", "ab", "xyz"),
    ("host", "10.0.0.1", "10.0.0.0/8"),
]


@pytest.mark.parametrize(("column", "old", "new"), TYPED, ids=[column for column, _, _ in TYPED])
def test_invariant_18_a_column_of_any_type_declared_as_text_is_restored_exactly(target, inside, column, old, new):
    named = sql.Identifier(column)
    inside.execute("DELETE FROM samples WHERE id = 9")
    inside.execute(sql.SQL("INSERT INTO samples (id, {}) VALUES (9, %s)").format(named), [old])
    shown = sql.SQL("SELECT {}::text FROM samples WHERE id = 9").format(named)
    was = inside.execute(shown).fetchone()
    options = {"table": "samples", "key": {"name": "id", "type": "integer"}, "columns": [{"name": column}]}
    samples, arguments = replace(target, options=options), {"id": 9, column: new}
    before = UPDATE.before(samples, arguments)
    done = UPDATE.execute(samples, arguments, key="there", before=before)
    assert inside.execute(shown).fetchone() != was
    with pytest.raises(Drifted):
        UPDATE.execute(samples, arguments, key="again", before=before)
    undo = UPDATE.undo(arguments, before, done.after)
    UPDATE.execute(samples, undo, key="back", before=done.after)
    assert inside.execute(shown).fetchone() == was
