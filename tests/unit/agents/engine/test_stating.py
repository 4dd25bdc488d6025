"""How sure an agent says that it is: asked beside a tool's arguments, and never one of them."""

import pytest

from agents.engine.stating import FIELD, asked_schema, percent, take_statement
from tools.models import Tool
from tools.schemas import validate

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}},
    "required": ["id"],
    "additionalProperties": False,
}


def tool(effect="reversible", schema=SCHEMA):
    return Tool(name="t", effect=effect, input_schema=schema)


def test_a_tool_that_changes_something_asks_for_it_and_does_not_get_it():
    asked = asked_schema(tool())
    assert validate({"id": 1, FIELD: 0.5}, asked) == validate({"id": 1}, asked) == []
    assert FIELD not in SCHEMA["properties"]
    assert take_statement(tool(), {"id": 1, FIELD: 0.29}) == ({"id": 1}, 29)
    assert take_statement(tool(), {"id": 1}) == ({"id": 1}, None)


@pytest.mark.parametrize(
    "other", [tool(effect="read"), tool(schema={"type": "object", "properties": {FIELD: {}}}), tool(schema={})]
)
def test_a_read_or_a_tool_with_such_an_argument_of_its_own_is_left_alone(other):
    assert asked_schema(other) is other.input_schema
    assert take_statement(other, {FIELD: 0.5}) == ({FIELD: 0.5}, None)


@pytest.mark.parametrize(
    ("stated", "figure"),
    [(1, 100), (1.0, 100), (0, 0), (0.999, 99), (True, None), ("1.0", None), (1.01, None), (-0.1, None), (None, None),
     (float("nan"), None), (float("inf"), None), ([1], None)],
)  # fmt: skip
def test_only_a_number_from_nought_to_one_is_a_statement(stated, figure):
    assert percent(stated) == figure
