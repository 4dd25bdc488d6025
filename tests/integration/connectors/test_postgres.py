"""Rows in a real outside database: found, changed once, drifted, probed, undone."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.integration.connectors.conftest import PASSWORD, config_of
from tools.connectors.base import Drifted, NotSent, Refused, Target
from tools.connectors.postgres import PostgresConnector
from tools.connectors.registry import operation

UPDATE, FIND = operation("postgres", "row.update"), operation("postgres", "row.find")
SEARCH = {"table": "customers", "columns": ["id", "name", "balance"], "search": ["name", "email"], "limit": 2}
SAMPLES = {
    "table": "public.samples",
    "key": {"name": "id", "type": "bigint"},
    "columns": [
        {"name": name, "type": kind, "nullable": True}
        for name, kind in [
            ("words", "text"),
            ("whole", "bigint"),
            ("small", "integer"),
            ("exact", "decimal"),
            ("rough", "number"),
            ("yes", "boolean"),
            ("day", "date"),
            ("moment", "datetime"),
        ]
    ],
}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
INJECTIONS = st.sampled_from(["'; DROP TABLE samples; --", "%s %(x)s {}", "\\'; SELECT 1", '"', "$1", "NULL", ""])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "words": st.none() | TEXT | INJECTIONS,
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1).map(str),
        "small": st.none() | st.integers(-(2**31), 2**31 - 1),
        "exact": st.none() | st.decimals(-(10**25), 10**25, places=4).map(lambda d: format(d, "f")),
        "rough": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "yes": st.none() | st.booleans(),
        "day": st.none() | st.dates().map(str),
        "moment": st.none() | st.datetimes().map(lambda d: d.isoformat() + "+00:00"),
    },
)


def change(target, arguments, key="key-1", before=None):
    return UPDATE.execute(target, arguments, key=key, before=before or UPDATE.before(target, arguments))


def find(target, arguments, **options):
    return FIND.execute(replace(target, options={**SEARCH, **options}), arguments, key="k", before=None).result


def test_find_is_exact_and_ignores_case(target):
    assert find(target, {"email": "SEAN.OCONNOR@example.ie"})["rows"] == [
        {"id": 1002, "name": "Sean O'Connor", "balance": "79.19"}
    ]
    assert find(target, {"name": "Sean O%"}) == {"rows": [], "count": 0, "truncated": False}


def test_find_says_when_there_are_more(target):
    found = find(target, {"name": "john smith"})
    assert (found["count"], found["truncated"]) == (2, True)
    assert find(target, {"name": "john smith"}, limit=3)["truncated"] is False


@pytest.mark.parametrize("arguments", [{}, {"name": None}, {"balance": "1"}, {"id": 1}])
def test_find_by_anything_else_is_refused(target, arguments):
    with pytest.raises(Refused):
        find(target, arguments)


def test_update_changes_the_row_once_and_reports_it(target):
    before = UPDATE.before(target, {"id": 1001})
    done = change(target, {"id": 1001, "tier": "gold", "note": "VIP"}, before=before)
    assert done.after == {"id": 1001, "tier": "gold", "address": "Lindenweg 4", "note": "VIP"}
    assert UPDATE.verify(target, {"id": 1001}, done) == done.after
    with pytest.raises(Drifted) as again:
        change(target, {"id": 1001, "tier": "gold", "note": "VIP"}, before=before)
    assert again.value.found == done.after


def test_update_finds_any_other_change_as_drift(target, inside):
    before = UPDATE.before(target, {"id": 1001})
    inside.execute("UPDATE customers SET note = 'behind your back' WHERE id = 1001")
    with pytest.raises(Drifted, match="note") as drifted:
        change(target, {"id": 1001, "tier": "gold"}, before=before)
    assert drifted.value.found is not None
    assert drifted.value.found["tier"] == "silver"


def test_update_of_a_row_that_is_gone_says_so(target):
    with pytest.raises(Drifted) as gone:
        change(target, {"id": 9, "tier": "gold"}, before={"id": 9, "tier": "silver", "address": "", "note": None})
    assert gone.value.found is None
    with pytest.raises(Refused, match="no such row"):
        UPDATE.before(target, {"id": 9})


def test_what_the_role_may_not_do_is_refused(target, inside):
    options = {**target.options, "columns": ["tier", "name"]}
    with pytest.raises(Refused, match="permission denied"):
        change(replace(target, options=options), {"id": 1001, "name": "Somebody else"})
    with pytest.raises(Refused, match="check constraint"):
        change(target, {"id": 1001, "tier": "platinum"})
    assert inside.execute("SELECT name, tier FROM customers WHERE id = 1001").fetchone() == ("Maria Keller", "silver")


def test_a_row_policy_that_forbids_the_change_is_refused_and_no_drift(target, inside):
    inside.execute("ALTER TABLE customers ENABLE ROW LEVEL SECURITY")
    inside.execute("CREATE POLICY look ON customers FOR SELECT USING (true)")
    try:
        with pytest.raises(Refused, match="row policy"):
            change(target, {"id": 1001, "tier": "gold"})
    finally:
        inside.execute("DROP POLICY look ON customers")
        inside.execute("ALTER TABLE customers DISABLE ROW LEVEL SECURITY")


def test_a_key_that_is_not_unique_changes_nothing(target, inside):
    options = {"table": "customers", "key": "name", "columns": ["tier"]}
    with pytest.raises(Refused, match="More than one"):
        UPDATE.before(replace(target, options=options), {"name": "John Smith"})
    inside.execute("UPDATE customers SET tier = 'standard' WHERE name = 'John Smith'")
    with pytest.raises(Refused, match="none was changed"):
        change(
            replace(target, options=options),
            {"name": "John Smith", "tier": "gold"},
            before={"name": "John Smith", "tier": "standard"},
        )
    assert inside.execute("SELECT count(*) FROM customers WHERE name = 'John Smith' AND tier = 'gold'").fetchone() == (
        0,
    )


def test_probe_tells_what_happened_from_the_row(target, inside):
    arguments = {"id": 1001, "tier": "gold"}
    before = UPDATE.before(target, arguments)
    assert UPDATE.probe(target, arguments, key="k", before=before).happened is False
    change(target, arguments, before=before)
    seen = UPDATE.probe(target, arguments, key="k", before=before)
    assert (seen.happened, seen.after) == (True, UPDATE.before(target, arguments))
    inside.execute("UPDATE customers SET tier = 'standard' WHERE id = 1001")
    unclear = UPDATE.probe(target, arguments, key="k", before=before)
    assert (unclear.happened, unclear.evidence["differences"], unclear.after) == (None, ["tier"], None)


def test_probe_knows_an_equal_number_written_otherwise(target, inside):
    options = {**SAMPLES, "columns": [{"name": "exact", "type": "decimal"}]}
    inside.execute("INSERT INTO samples (id, exact) VALUES (77, 1.5) ON CONFLICT (id) DO UPDATE SET exact = 1.5")
    there = replace(target, options=options)
    before = UPDATE.before(there, {"id": "77"})
    assert before == {"id": "77", "exact": "1.5"}
    change(there, {"id": "77", "exact": "2.50"}, before={"id": "77", "exact": "1.500"})
    assert UPDATE.probe(there, {"id": "77", "exact": "2.5"}, key="k", before=before).happened is True


@settings(max_examples=40, deadline=None)
@given(old=VALUES, new=VALUES.filter(bool))
def test_update_then_undo_restores_the_row_exactly(crm, inside, old, new):
    there = samples_target(crm)
    inside.execute("DELETE FROM samples WHERE id = 2")
    names, values = ["id", *old], ["2", *old.values()]
    inside.execute(
        f"INSERT INTO samples ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
        [str(v) if v is not None else None for v in values],
    )
    as_stored = inside.execute("SELECT samples::text FROM samples WHERE id = 2").fetchone()
    arguments = {"id": "2", **new}
    Draft202012Validator(UPDATE.schema(SAMPLES)).validate(arguments)
    before = travelled(UPDATE.before(there, arguments))
    after = travelled(change(there, arguments, before=before).after)
    undo = travelled(UPDATE.undo(arguments, before, after))
    if before == after:
        assert undo is None
    else:
        Draft202012Validator(UPDATE.schema(SAMPLES)).validate(undo)
        assert set(undo) - {"id"} <= set(new)
        change(there, undo, before=after)
    assert inside.execute("SELECT samples::text FROM samples WHERE id = 2").fetchone() == as_stored
    assert inside.execute("SELECT count(*) FROM customers").fetchone() == (40,)


def samples_target(crm):
    return Target(config_of(crm), {"password": PASSWORD}, SAMPLES, 5.0)


def travelled(value):
    """What comes back from a jsonb column."""
    return json.loads(json.dumps(value))


def test_values_keep_their_types(target, inside):
    inside.execute("DELETE FROM samples WHERE id = 3")
    inside.execute("INSERT INTO samples VALUES (3, '', 9007199254740993, 7, 12.50, 0.1, false, '2026-02-28', NULL)")
    found = UPDATE.before(replace(target, options=SAMPLES), {"id": "3"})
    assert found == {
        "id": "3", "words": "", "whole": "9007199254740993", "small": 7, "exact": "12.50", "rough": 0.1,
        "yes": False, "day": "2026-02-28", "moment": None,
    }  # fmt: skip
    assert type(found["small"]) is int
    assert Decimal(found["exact"]) == Decimal("12.5")


def test_a_value_without_json_form_is_refused(target, inside):
    inside.execute("INSERT INTO samples (id, moment) VALUES (4, 'infinity') ON CONFLICT DO NOTHING")
    with pytest.raises(Refused, match="JSON form"):
        UPDATE.before(replace(target, options=SAMPLES), {"id": "4"})


def test_looking_cannot_write(target, inside):
    inside.execute("CREATE SEQUENCE IF NOT EXISTS sneaky")
    inside.execute("CREATE OR REPLACE VIEW sly AS SELECT 1 AS id, nextval('sneaky')::text AS tier")
    inside.execute("GRANT SELECT ON sly TO PUBLIC; GRANT USAGE ON SEQUENCE sneaky TO PUBLIC")
    options = {"table": "sly", "key": {"name": "id", "type": "integer"}, "columns": ["tier"]}
    with pytest.raises(Refused, match="read-only"):
        UPDATE.before(replace(target, options=options), {"id": 1})


def test_check_says_what_answered(target):
    sentence = PostgresConnector().check(target)
    assert sentence.startswith("PostgreSQL ")
    assert target.config["user"] in sentence


def test_a_deadline_that_is_over_sends_nothing(target):
    with pytest.raises(NotSent):
        UPDATE.before(replace(target, deadline_seconds=0.0), {"id": 1001})


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        ({"id": 1001}, {"id": 1001, "tier": "silver", "address": "Lindenweg 4", "note": None}),
        ({"id": 1001, "name": "x"}, {"id": 1001, "tier": "silver", "address": "Lindenweg 4", "note": None}),
        ({"tier": "gold"}, {"id": 1001, "tier": "silver", "address": "Lindenweg 4", "note": None}),
        ({"id": 1001, "tier": "gold"}, None),
        ({"id": 1001, "tier": "gold"}, {"id": 1001, "tier": "silver"}),
        ({"id": 1001, "tier": "gold"}, {"id": 1001, "tier": "silver", "address": "", "note": None, "name": "x"}),
    ],
    ids=str,
)
def test_an_update_that_cannot_compare_everything_is_refused(target, inside, arguments, before):
    with pytest.raises(Refused):
        UPDATE.execute(target, arguments, key="k", before=before)
    assert inside.execute("SELECT tier FROM customers WHERE id = 1001").fetchone() == ("silver",)


def test_a_row_that_is_gone_proves_nothing(target):
    before = {"id": 9, "tier": "silver", "address": "", "note": None}
    assert UPDATE.probe(target, {"id": 9, "tier": "gold"}, key="k", before=before).happened is None
    assert FIND.probe(target, {"name": "x"}, key="k", before=None).happened is False
