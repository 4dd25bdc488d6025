"""Expressions: what they give, and that nothing which failed looks like a value."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.workflows.values import BadExpression, Facts, Failed, compile_expression, expressions_in, resolve
from workspaces.canonical import sanitise

FACTS = {
    "input": {"n": 1, "f": 2.0, "big": 2**53 - 1, "list": [1, 2.5, "x", None, True], "map": {"null": None}},
    "nodes": {"look": {"output": {"count": 3}, "status": "succeeded"}},
    "run": {"id": "r", "title": "t", "environment": "live"},
}


def value(text, **more):
    inside = "item" in more
    return compile_expression(text, inside).value(Facts({**FACTS, **more}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input.n", 1),
        ("input.n + 1", 2),
        ("input.f", 2.0),
        ("input.big", 2**53 - 1),
        ("input.list", [1, 2.5, "x", None, True]),
        ("input.list.filter(x, type(x) == int)", [1]),
        ("nodes.look.output.count == 3", True),
        ("has(nodes.gone)", False),
        ("{'a': input.f}", {"a": 2.0}),
        ("timestamp('2026-01-01T00:00:00Z')", "2026-01-01T00:00:00Z"),
        ("input.map['null']", None),
    ],
)
def test_value_keeps_its_type(text, expected):
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))
    if isinstance(expected, list):
        assert [type(one) for one in found] == [type(one) for one in expected]


@pytest.mark.parametrize(
    "text",
    [
        "input.gone",
        "input.n / 0",
        "input.n.x",
        "[1, input.n / 0]",
        "{'a': input.gone}",
        "duration('1s')",
        "[duration('1s')]",
        "type(1)",
        "{1: 2}",
        "b'x'",
        "nodes.gone.output",
        "double('nan')",
        "input.n + 1.0",
    ],
)
def test_what_fails_is_never_a_value(text):
    with pytest.raises(Failed, match="expression"):
        value(text)


@pytest.mark.parametrize("text", ["input.n", "input.gone", "'yes'", "input.map"])
def test_condition_that_is_neither_true_nor_false_fails(text):
    with pytest.raises(Failed):
        compile_expression(text).holds(Facts(FACTS))


@pytest.mark.parametrize("text", ["item", "index", "reviewer", "input.", "1 +", "nodes", "nodes['look']", "x" * 2001])
def test_expression_that_cannot_be_used_is_refused(text):
    with pytest.raises(BadExpression):
        compile_expression(text)


def test_only_a_map_knows_item_and_index():
    assert value("[item.a, index]", item={"a": 5}, index=2) == [5, 2]
    assert value("item.a", item={"a": 5}, index=2) == 5


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("nodes.a.output + nodes . b.output", {"a", "b"}),
        ("'nodes.a' + \"nodes.b\" + r'nodes.c'", set()),
        ("input.nodes", set()),
        ("[1].map(x, nodes.deep.output)", {"deep"}),
    ],
)
def test_nodes_that_an_expression_reads_are_known(text, nodes):
    assert compile_expression(text).nodes == nodes


def test_template_keeps_what_is_no_expression():
    template = {"a": {"$": "input.n"}, "b": ["{{ input.n }}", {"c": {"$": "input.list"}}], "d": 1.0}
    found = resolve(template, Facts(FACTS))
    assert found == {"a": 1, "b": ["{{ input.n }}", {"c": FACTS["input"]["list"]}], "d": 1.0}
    assert [place for place, _ in expressions_in(template)] == ["/a", "/b/1/c"]


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).map(sanitise)


@given(JSON)
def test_plain_path_means_what_cel_means(kept):
    facts = Facts({**FACTS, "input": {"v": kept}})
    expression = compile_expression("input.v")
    quick, slow = facts.at(expression), facts.evaluate(expression)
    assert repr(quick) == repr(slow) or _equal(quick, slow)


def _equal(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and (one == other or (math.isnan(one) and math.isnan(other)))
