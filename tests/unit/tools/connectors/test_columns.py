"""Values between JSON and an outside database, and the schemas that options make of columns."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tools.connectors.base import Refused
from tools.connectors.columns import Column, columns, differs, image, json_value, parameter, same
from tools.connectors.postgres_row import Row
from tools.connectors.registry import operation
from workspaces.canonical import canonical

UPDATE, FIND = operation("postgres", "row.update"), operation("postgres", "row.find")
OPTIONS = {
    "table": "crm.customers",
    "key": {"name": "id", "type": "integer"},
    "columns": [
        {"name": "tier", "enum": ["standard", "gold"], "description": "How we serve them"},
        {"name": "note", "max_length": 5, "nullable": True},
        {"name": "balance", "type": "decimal"},
        {"name": "active", "type": "boolean"},
        {"name": "serial", "type": "bigint"},
    ],
}


def valid(arguments, operation=UPDATE, options=OPTIONS):
    schema = operation.schema(options)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid(arguments)


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({"id": 1, "tier": "gold"}, True),
        ({"id": 1, "note": None, "balance": "-12.50", "active": False, "serial": "9007199254740993"}, True),
        ({"id": 1}, False),
        ({"tier": "gold"}, False),
        ({"id": 1, "tier": "platinum"}, False),
        ({"id": 1, "note": "123456"}, False),
        ({"id": 1, "note": "a\0"}, False),
        ({"id": 1, "tier": None}, False),
        ({"id": "1", "tier": "gold"}, False),
        ({"id": 1.5, "tier": "gold"}, False),
        ({"id": 2**53, "tier": "gold"}, False),
        ({"id": 1, "balance": 12.5}, False),
        ({"id": 1, "balance": "NaN"}, False),
        ({"id": 1, "active": 1}, False),
        ({"id": 1, "tier": "gold", "other": "x"}, False),
    ],
    ids=str,
)
def test_update_schema_is_precise(arguments, fits):
    assert valid(arguments) is fits


@pytest.mark.parametrize(("arguments", "fits"), [({}, False), ({"email": "x"}, True), ({"email": "x", "id": 1}, False)])
def test_find_schema_wants_one_searchable_column(arguments, fits):
    options = {"table": "customers", "columns": ["id"], "search": ["email", "name"]}
    assert valid(arguments, FIND, options) is fits


@pytest.mark.parametrize(
    "change",
    [
        {"table": ""},
        {"table": "a.b.c"},
        {"table": None},
        {"table": "a\0"},
        {"key": None},
        {"key": "tier"},
        {"columns": []},
        {"columns": "tier"},
        {"columns": ["tier", "tier"]},
        {"columns": [{"name": "x", "type": "money"}]},
        {"columns": [{"name": "x", "size": 3}]},
        {"columns": [{"type": "text"}]},
    ],
    ids=str,
)
def test_unusable_options_are_refused_before_anything_is_asked(change):
    with pytest.raises(Refused):
        UPDATE.schema({**OPTIONS, **change})


@pytest.mark.parametrize("limit", [0, 201, True, "5", 1.5])
def test_an_unusable_limit_is_refused(limit):
    with pytest.raises(Refused, match="limit"):
        FIND.schema({"table": "t", "columns": ["a"], "search": ["a"], "limit": limit})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (0.1, 0.1),
        (float("nan"), "nan"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (date(2026, 2, 28), "2026-02-28"),
        (datetime(2026, 2, 28, 1, tzinfo=timezone(timedelta(hours=2))), "2026-02-27T23:00:00+00:00"),
        (datetime(2026, 2, 28, 1), "2026-02-28T01:00:00"),
        ({"a": [2**60, 1, 1.5]}, {"a": [str(2**60), 1, 1.5]}),
        (b"\x01\xff", "\\x01ff"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=str,
)
def test_every_value_has_one_json_form(value, written):
    found = json_value(value)
    assert (found, type(found)) == (written, type(written))
    canonical(found)


def test_a_bigint_column_is_always_text():
    assert image([Column("serial", "bigint"), Column("n", "integer")], [7, 7]) == {"serial": "7", "n": 7}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1),
        ("integer", True),
        ("text", 5),
        ("text", ["a"]),
        ("text", "a\0"),
        ("text", "\ud800"),
        ("decimal", 5),
        ("boolean", "true"),
    ],
)
def test_a_value_of_another_kind_never_travels(kind, value):
    with pytest.raises(Refused):
        parameter(Column("c", kind), value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_travels_without_loss(value):
    assert float(str(parameter(Column("c", "number"), value))) == value


@pytest.mark.parametrize(
    ("kind", "one", "other", "equal"),
    [
        ("decimal", "12.5", "12.50", True),
        ("decimal", "12.5", "12.51", False),
        ("number", 1, 1.0, True),
        ("datetime", "2026-01-01T00:00:00+00:00", "2026-01-01T02:00:00+02:00", True),
        ("datetime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", True),
        ("datetime", "not a date", "not a date", True),
        ("text", "a", "A", False),
        ("text", None, "", False),
        ("text", None, None, True),
        ("boolean", True, False, False),
    ],
)
def test_sameness_is_the_columns_own(kind, one, other, equal):
    assert same(Column("c", kind), one, other) is equal


def test_true_is_not_one():
    assert differs(True, 1)
    assert not differs(1, 1.0)


def test_columns_may_be_names_alone():
    assert columns(["a", {"name": "b", "type": "date"}], of="columns") == [Column("a"), Column("b", "date")]


def test_text_is_compared_byte_for_byte_whatever_the_column_calls_equal():
    before = {"id": 1, "note": "re: all", "balance": "1.0"}
    options = {**OPTIONS, "columns": ["note", {"name": "balance", "type": "decimal"}]}
    query, values = Row.of(options).statement({"id": 1, "note": 'x"; --'}, before)
    assert query.as_string() == (
        'UPDATE "crm"."customers" SET "note" = %s WHERE "id" = %s AND "note"::text COLLATE "C" IS NOT DISTINCT FROM %s'
        ' AND "balance" IS NOT DISTINCT FROM %s RETURNING "id", "note"::text, "balance"'
    )
    assert values == ['x"; --', "1", "re: all", "1.0"]


def test_undo_restores_only_what_changed():
    before = {"id": 1, "tier": "gold", "note": None, "active": True}
    after = {"id": 1, "tier": "standard", "note": None, "active": True}
    assert UPDATE.undo({"id": 1, "tier": "standard"}, before, after) == {"id": 1, "tier": "gold"}
    assert UPDATE.undo({"id": 1, "tier": "standard"}, before, None) == {"id": 1, "tier": "gold"}
    assert UPDATE.undo({"id": 1, "tier": "gold"}, before, before) is None
    assert UPDATE.undo({"id": 1, "tier": "gold"}, None, after) is None


def test_prediction_is_the_state_before_with_the_arguments():
    assert UPDATE.predict({"id": 1, "tier": "gold"}, {"id": 1, "tier": "x", "note": ""}) == {
        "id": 1,
        "tier": "gold",
        "note": "",
    }
    assert UPDATE.predict({"id": 1}, None) is None


def test_a_read_leaves_nothing_to_settle():
    assert FIND.undo({}, None, None) is None
    assert FIND.predict({}, None) is None
