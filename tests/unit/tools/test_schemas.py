"""Tools' schemas stand alone, checks always end, and what does not fit is said in plain sentences."""

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import schemas
from tools.schemas import Problem, check_schema, declared_names, schema_digest, validate
from workspaces.errors import InvalidInput


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def refusal(schema: Any) -> str:
    with pytest.raises(InvalidInput) as refused:
        check_schema(schema)
    return " ".join(refused.value.fields["schema"])


GOOD = of(
    to={"type": "string", "format": "email"},
    lines={"type": "array", "items": {"$ref": "#/$defs/line"}},
    kind={"enum": ["a", {"$ref": "https://example.org/data-not-a-reference"}]},
) | {"$schema": schemas.DIALECT, "$defs": {"line": {"type": "string", "pattern": "^[a-z]+$"}, "a/b": True}}


def test_a_schema_that_stands_alone_is_accepted():
    check_schema(GOOD)
    check_schema(
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/a~1b"}, "y": {"$ref": "#"}}} | {"$defs": {"a/b": True}}
    )


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ([], "A schema is an object of JSON"),
        ({"type": "string"}, "describe an object"),
        (of(a={"type": "strng"}), "At /properties/a/type"),
        (of(a={"minLength": -1}), "At /properties/a/minLength"),
        (of() | {"$schema": "http://json-schema.org/draft-07/schema#"}, "another dialect"),
        (of() | {"$schema": 7}, "another dialect"),
        (of(a={"const": float("nan")}), "not JSON"),
        (of(a={"description": "x" * 70_000}), "larger than 64 KB"),
        (of(a={"$ref": "https://example.org/schema.json"}), "nothing is fetched"),
        (of(a={"$ref": "file:///etc/passwd"}), "nothing is fetched"),
        (of(a={"$ref": "#/$defs/absent"}), "points to nothing"),
        (of(a={"$ref": "#anchor"}), "points to nothing"),
        (of(a={"$ref": "#/properties/a/$ref"}), "points to nothing"),
        (of(a={"allOf": [{"$ref": "//example.org/x"}]}), "nothing is fetched"),
        (of(a={"$id": "https://example.org/"}), "$id"),
        (of(a={"$dynamicRef": "#x"}), "$dynamicRef"),
        (of() | {"patternProperties": {"^x": {}}}, "patternProperties"),
        (of(a={"pattern": "(a)\\1"}), "cannot be used"),
        (of(a={"pattern": "("}), "cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_trusted_is_refused(schema: Any, sentence: str):
    assert sentence in refusal(schema)


def test_a_schema_nested_too_deeply_is_refused():
    schema: dict[str, Any] = {}
    for _ in range(40):
        schema = {"type": "object", "properties": {"a": schema}}
    assert "deeper than 32" in refusal(schema)


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ({"type": "string"}, 5, "This has to be a text."),
        ({"type": ["integer", "null"]}, True, "This has to be a whole number or null."),
        ({"type": "integer"}, 5.5, "This has to be a whole number."),
        ({"enum": ["gold", None, 3]}, "lead", "This has to be one of: gold, null, 3."),
        ({"enum": list(range(20))}, -1, "This has to be one of: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more."),
        ({"const": "yes"}, "no", "This has to be yes."),
        ({"minLength": 1}, "", "This must not be empty."),
        ({"minLength": 3}, "ab", "This is too short: at least 3 characters, and it has 2."),
        ({"maxLength": 1}, "ab", "This is too long: at most 1 character, and it has 2."),
        ({"minimum": 1}, 0, "This has to be 1 or more."),
        ({"maximum": 1}, 2, "This has to be 1 or less."),
        ({"exclusiveMinimum": 1}, 1, "This has to be more than 1."),
        ({"exclusiveMaximum": 1}, 1, "This has to be less than 1."),
        ({"multipleOf": 0.01}, 0.015, "This has to be a multiple of 0.01."),
        ({"pattern": "^C-"}, "D-1", "This does not have the form that the tool asks for (^C-)."),
        ({"minItems": 2}, [1], "This list needs at least 2 entries."),
        ({"maxItems": 1}, [1, 2], "This list takes at most 1 entry."),
        ({"uniqueItems": True}, [1, 1], "This list names the same entry twice."),
        ({"minProperties": 1}, {}, "This needs at least 1 field."),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "This takes at most 1 field."),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            5,
            "This fits none of the forms that the tool accepts here.",
        ),
        ({"oneOf": [{}, {}]}, 5, "This has to fit exactly one of the forms that the tool accepts here."),
        ({"not": {}}, 5, "The tool excludes this value."),
        ({"unevaluatedProperties": False}, {"b": 1}, "This has a field that the tool does not have."),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "This is not complete: one of its fields needs another one."),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "This is too long: at most 1 character, and it has 2."),
        ({"contains": {"const": 1}}, [2], "This does not fit the tool's schema (contains)."),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(part: dict[str, Any], value: Any, sentence: str):
    schema = of(a=part)
    check_schema(schema)
    assert validate({"a": value}, schema) == [Problem("/a", sentence)]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", "anna@example.org", "anna@example.org\nBcc: eve@example.net"),
        ("email", "a+b@example.co", "anna"),
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02-28", "20260228"),
        ("date-time", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00"),
        ("date-time", "2026-02-28t10:00:00+02:00", "2026-02-28"),
        ("uuid", "0196f5a0-0000-7000-8000-000000000000", "0196f5a0000070008000000000000000"),
        ("uri", "https://example.org/a?b=c", "example.org"),
        ("uri", "mailto:anna@example.org", "https://exa mple.org"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8::g"),
    ],
)
def test_formats_are_checked(name: str, good: str, bad: str):
    schema = of(a={"format": name})
    assert validate({"a": good}, schema) == []
    assert validate({"a": 5}, schema) == []
    [problem] = validate({"a": bad}, schema)
    assert problem.sentence.startswith("This has to be a")


def test_a_missing_and_an_unknown_field_are_named_by_their_own_path():
    schema = of(a=of(b={"type": "string"}) | {"required": ["b", "c/d"]}) | {"required": ["a"]}
    assert validate({"a": {"x~": 1}}, schema) == [
        Problem("/a/b", "This is needed."),
        Problem("/a/c~1d", "This is needed."),
        Problem("/a/x~0", "There is no such field."),
    ]


def test_other_fields_may_have_a_schema_of_their_own():
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert validate({"a": 1, "b": "x"}, schema) == [Problem("/b", "This has to be a whole number.")]


def test_amounts_are_multiples_exactly():
    schema = of(a={"multipleOf": 0.01}, b={"multipleOf": 0.01})
    assert validate({"a": 0.29, "b": 1e300}, schema) == []
    assert validate({"a": "no number", "b": True}, schema) == []


def test_at_most_twenty_problems_are_listed():
    assert len(validate({"a": ["x"] * 50}, of(a={"items": {"type": "integer"}}))) == schemas.MAX_PROBLEMS


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"a": float("nan")}, "not JSON"),
        ({"a": 2**60}, "not JSON"),
        ({"a": "\ud800"}, "not JSON"),
        ({"a": {1}}, "not JSON"),
        ({"a": list(range(3000))}, "more than 1,000 values"),
        ({"a": "x" * 1_100_000}, "larger than 1 MB"),
        ("text", "has to be an object"),
        (None, "has to be an object"),
    ],
)
def test_arguments_that_are_no_small_json_object_are_refused(arguments: Any, sentence: str):
    [problem] = validate(arguments, {"type": "object"})
    assert problem.path == ""
    assert sentence in problem.sentence


def test_arguments_nested_too_deeply_are_refused():
    deep: Any = "end"
    for _ in range(100_000):
        deep = [deep]
    assert "deeper than 32" in validate({"a": deep}, of(a={}))[0].sentence


def test_nothing_is_fetched_even_for_a_schema_that_was_never_checked(monkeypatch: pytest.MonkeyPatch):
    tried: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_: tried.append(where))
    [problem] = validate({"a": 1}, of(a={"$ref": "http://127.0.0.1:9/schema.json"}))
    assert "outside itself" in problem.sentence
    assert tried == []


@pytest.mark.parametrize(
    "definitions",
    [
        {"a": {"$ref": "#/$defs/a"}},
        {"a": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}},
        {chr(97 + n): {"allOf": [{"$ref": f"#/$defs/{chr(98 + n)}"}] * 2} for n in range(20)} | {"u": {}},
    ],
)
def test_references_that_multiply_without_end_are_cut_off(definitions: dict[str, Any]):
    schema = of(x={"$ref": "#/$defs/a"}) | {"$defs": definitions}
    check_schema(schema)
    [problem] = validate({"x": 1}, schema)
    assert "without end" in problem.sentence


def test_a_pattern_cannot_hang_on_a_value():
    schema = of(a={"pattern": "^(a+)+$"})
    check_schema(schema)
    assert len(validate({"a": "a" * 5000 + "b"}, schema)) == 1
    assert validate({"a": 5}, schema) == []


def test_the_digest_does_not_depend_on_the_order_of_keys():
    assert schema_digest({"type": "object", "title": "x"}) == schema_digest({"title": "x", "type": "object"})
    assert schema_digest({"type": "object"}) != schema_digest({"type": "object", "title": "x"})


def test_declared_names_are_those_of_all_depths():
    schema = of(a=of(b={"items": of(c={})}), enum={"enum": [{"properties": {"z": 1}}]})
    assert declared_names(schema) == {"a", "b", "c", "enum"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["type", "properties", "$ref", "a", "items", "pattern", "enum"]), inner)
        ),
        max_leaves=15,
    )
)
def test_any_json_is_either_refused_or_usable(part: Any):
    schema = of(a=part)
    try:
        check_schema(schema)
    except InvalidInput:
        return
    validate({"a": part}, schema)
