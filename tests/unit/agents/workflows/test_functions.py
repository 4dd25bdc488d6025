"""The functions of code nodes: what fits goes in, what fits comes out, and a failure is a sentence."""

import pytest

from agents.workflows.functions import Function, call, register, registered
from agents.workflows.values import Failed


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("same", {"value": 1.0}, 1.0),
        ("text.join", {"texts": ["a", "b"], "between": ", "}, "a, b"),
        ("text.lines", {"text": "a\nb"}, ["a", "b"]),
        ("list.sum", {"values": [1, 2]}, 3),
        ("list.unique", {"values": [1, 1.0, True, 1, "1"]}, [1, 1.0, True, "1"]),
        ("list.portions", {"values": [1, 2, 3], "size": 2}, [[1, 2], [3]]),
        ("rows.pick", {"rows": [{"a": 1, "b": 2}], "fields": ["a", "c"]}, [{"a": 1}]),
    ],
)
def test_function_gives(name, arguments, expected):
    found = call(name, arguments)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("gone", {}), ("list.sum", {}), ("list.sum", {"values": ["x"]}), ("text.join", {"texts": [], "more": 1})],
)
def test_function_that_cannot_be_called_fails_with_its_name(name, arguments):
    with pytest.raises(Failed, match=name):
        call(name, arguments)


def test_function_that_raises_or_gives_what_does_not_fit_fails():
    for name, make in (("test.raises", lambda: 1 / 0), ("test.lies", lambda: "x")):
        register(Function(name, "", make, {"type": "object"}, {"type": "integer"}))
        with pytest.raises(Failed, match=name):
            call(name, {})


def test_name_is_given_once():
    with pytest.raises(ValueError, match="same"):
        register(Function("same", "", lambda: 1, {"type": "object"}))
    assert "same" in registered()
