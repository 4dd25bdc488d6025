"""The edit form changes what the reviewer changed and nothing else."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.forms import Select, Textarea, TextInput
from hypothesis import given
from hypothesis import strategies as st

from approvals.form_fields import JsonField
from approvals.forms import ArgumentsForm, form_for
from workspaces.canonical import canonical
from workspaces.errors import InvalidInput


def of(_needed: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(_needed)}


def shown(form: ArgumentsForm) -> dict[str, str]:
    """Return what a browser sends for the form as it was shown: texts with CR LF."""
    return {name: str(form[name].value()).replace("\r\n", "\n").replace("\n", "\r\n") for name in form.fields}


def submit(schema: dict[str, Any], arguments: dict[str, Any], **changes: str) -> ArgumentsForm:
    changed = {f"/{name}".replace("__", "/"): value for name, value in changes.items()}
    return form_for(schema, arguments, shown(form_for(schema, arguments)) | changed)


def edited(schema: dict[str, Any], arguments: dict[str, Any], **changes: str) -> dict[str, Any]:
    return submit(schema, arguments, **changes).arguments()


def errors(schema: dict[str, Any], arguments: dict[str, Any], **changes: str) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refused:
        edited(schema, arguments, **changes)
    return refused.value.fields


TIER = {"enum": ["silver", "gold"], "title": "Tier"}


def test_a_changed_value_is_replaced_and_the_rest_is_left():
    schema = of(tier=TIER, note={"type": "string"}, count={"type": "integer"})
    arguments = {"tier": "silver", "note": "a\r\nb\n", "count": 3, "unknown": [1, 2.0]}
    assert edited(schema, arguments, tier="gold") == arguments | {"tier": "gold"}
    assert arguments["tier"] == "silver"


@pytest.mark.parametrize(
    ("part", "original", "text", "value"),
    [
        ({"type": "string"}, "a", " b ", " b "),
        ({"type": "string"}, "a", "b\r\nc", "b\nc"),
        ({"type": "string"}, "a", "", ""),
        ({"type": ["string", "null"]}, "a", "", None),
        ({"type": ["string", "null"]}, None, "b", "b"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "a", "", None),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, 4, "5", 5),
        ({"type": "integer"}, 4, " 5 ", 5),
        ({"type": "integer"}, 4.0, "5", 5),
        ({"type": "number"}, 4, "5", 5),
        ({"type": "number"}, 4, "5.50", 5.5),
        ({"type": "number"}, 4.0, "5", 5.0),
        ({"type": "number"}, 4.5, "-1e3", -1000.0),
        ({"type": "boolean"}, False, "true", True),
        ({"type": ["boolean", "null"]}, True, "null", None),
        ({"enum": [1, True, "1", "", None]}, 1, "true", True),
        ({"enum": [1, True, "1", "", None]}, True, '"1"', "1"),
        ({"enum": [1, True, "1", "", None]}, "1", "null", None),
        ({"enum": [1, True, "1", "", None]}, None, '""', ""),
        ({"enum": ["true", True]}, True, '"true"', "true"),
        ({"type": "array"}, [1], "[1, 2.5]", [1, 2.5]),
        ({"type": "object"}, {}, '{"a": null}', {"a": None}),
        ({}, "x", '"y"', "y"),
        ({"$ref": "#/$defs/text"}, "a", "b", "b"),
        (True, 5, "6", 6),
    ],
)
def test_a_text_is_read_as_the_schema_and_the_original_say(part: Any, original: Any, text: str, value: Any):
    schema = of(("a",), a=part) | {"$defs": {"text": {"type": "string"}}}
    found = edited(schema, {"a": original}, a=text)["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("part", "original", "text", "sentence"),
    [
        ({"type": "string", "format": "email"}, "a@example.org", "nobody", "This has to be an e-mail address"),
        ({"type": "string", "minLength": 1}, "a", "", "This must not be empty."),
        ({"type": "integer"}, 4, "", "This is needed."),
        ({"type": "integer"}, 4, "5.5", "Write a whole number"),
        ({"type": "integer"}, 4, "٣", "Write a whole number"),
        ({"type": "integer"}, 4, "9" * 17, "too large to be kept exactly"),
        ({"type": "integer"}, 4, "9" * 5000, "too large to be kept exactly"),
        ({"type": "integer", "maximum": 10}, 4, "11", "This has to be 10 or less."),
        ({"type": "number"}, 4, "1,5", "with a point"),
        ({"type": "number"}, 4, "nan", "with a point"),
        ({"type": "number"}, 4.5, "0.1000000000000000000001", "more digits"),
        ({"type": "number"}, 4.5, "1e999", "more digits"),
        ({"type": "boolean"}, True, "maybe", "Choose one of the values"),
        ({"type": "boolean"}, True, "", "This is needed."),
        (TIER, "gold", "lead", "Choose one of the values"),
        ({"type": "array"}, [1], "[1", "This is not JSON: see line 1, column 3."),
        ({"type": "array"}, [1], "[NaN]", "NaN is not JSON."),
        ({"type": "array"}, [1], "[" * 50_000, "cannot be used"),
        ({"type": "array"}, [1], '["\\ud800"]', "cannot be used"),
        ({"type": "array"}, [1], f"[{2**60}]", "too large"),
        ({"type": "array"}, [1], "[0.10000000000000000000001]", "more digits"),
        ({"type": "array"}, [1], "", "This is needed."),
        ({"type": "array"}, [1], "{}", "This has to be a list."),
        ({"type": "object"}, {}, '{"a": 1, "a": 2}', "the same key twice"),
        ({"type": "array", "items": {"type": "integer"}}, [1], '[1, "x"]', "1: This has to be a whole number."),
    ],
)
def test_a_text_that_does_not_fit_is_refused_at_its_field(part: Any, original: Any, text: str, sentence: str):
    found = errors(of(("a",), a=part), {"a": original}, a=text)
    assert list(found) == ["/a"]
    assert sentence in found["/a"][0]


def test_an_optional_field_that_is_emptied_is_left_out_and_one_that_is_filled_is_added():
    schema = of(a={"type": "string"}, b={"type": "integer"}, c=TIER, d={"type": ["integer", "null"]})
    assert edited(schema, {"a": "x", "b": 1, "c": "gold", "d": 4}, a="", b="", c="", d="") == {}
    assert edited(schema, {}, a="x", b="1", c="gold") == {"a": "x", "b": 1, "c": "gold"}
    assert edited(schema, {"a": "", "d": None}) == {"a": "", "d": None}


def test_a_needed_value_that_was_missing_has_to_be_given():
    schema = of(("a", "b"), a={"type": "string"}, b=TIER)
    assert errors(schema, {}) == {"/a": ["This is needed."], "/b": ["This is needed."]}
    assert edited(schema, {}, a="x", b="gold") == {"a": "x", "b": "gold"}


def test_a_field_that_is_not_submitted_keeps_its_value():
    assert form_for(of(a={"type": "integer"}), {"a": 1.0, "b": "x"}, {}).arguments() == {"a": 1.0, "b": "x"}


def test_objects_with_declared_fields_are_laid_out_flat():
    schema = of(address=of(("city",), city={"type": "string", "minLength": 1}, zip_code={"type": "integer"}))
    arguments = {"address": {"city": "Bern", "extra/~": True}}
    form = form_for(schema, arguments)
    assert list(form.fields) == ["/address/city", "/address/zip_code", "/address/extra~1~0"]
    assert form.fields["/address/zip_code"].label == "address › zip code"
    assert edited(schema, arguments, address__zip_code="3000")["address"] == {
        "city": "Bern",
        "extra/~": True,
        "zip_code": 3000,
    }
    assert list(errors(schema, arguments, address__city="")) == ["/address/city"]


def test_an_object_that_is_absent_or_may_be_null_is_edited_as_json():
    inner = of(city={"type": "string"})
    assert isinstance(form_for(of(a=inner), {}).fields["/a"], JsonField)
    nullable = of(a={"anyOf": [inner, {"type": "null"}]})
    assert edited(nullable, {"a": {"city": "Bern"}}, a="") == {}


@pytest.mark.parametrize(
    "part",
    [
        {"$ref": "#/properties/a"},
        {"$ref": "#/absent/b"},
        {"$ref": "#/required/b"},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": ["string", "integer"]},
        {"type": "string"},
        {"type": "integer"},
        TIER,
    ],
)
def test_a_value_without_a_simple_type_is_edited_as_json(part: Any):
    assert isinstance(form_for(of(a=part), {"a": [1]}).fields["/a"], JsonField)


def test_what_is_wrong_with_the_arguments_as_a_whole_is_said_above_the_form():
    schema = of(a={"type": "integer"}) | {"maxProperties": 1, "additionalProperties": True}
    assert errors(schema, {"a": 1, "b": 2})["__all__"] == ["This takes at most 1 field."]


def test_long_texts_have_room_and_numbers_a_keyboard_for_them():
    schema = of(a={"type": "string", "maxLength": 5000}, b={"type": "string"}, c={"type": "integer"}, d=TIER)
    widgets = {name: field.widget for name, field in form_for(schema, {"b": "x\ry"}).fields.items()}
    assert isinstance(widgets["/a"], Textarea)
    assert isinstance(widgets["/b"], Textarea)
    assert isinstance(widgets["/c"], TextInput)
    assert widgets["/c"].attrs["inputmode"] == "numeric"
    assert isinstance(widgets["/d"], Select)
    assert not isinstance(form_for(schema, {"b": "x"}).fields["/b"].widget, Textarea)


def test_a_constant_can_only_be_chosen():
    form = form_for(of(("a",), a={"const": {"b": 1}}), {"a": {"b": 1}})
    widget = form.fields["/a"].widget
    assert isinstance(widget, Select)
    assert list(widget.choices) == [('{"b":1}', '{"b": 1}')]


def test_texts_of_the_schema_and_of_the_model_are_inert():
    hostile = "<script>alert(1)</script>"
    schema = of(a={"type": "string", "title": hostile, "description": hostile}, b={"enum": [hostile]})
    page = form_for(schema, {"a": hostile, "b": hostile}).as_div()
    assert "<script" not in page


class Browser(HTMLParser):
    """Reads the values that a browser would submit from a rendered form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.area = self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input":
            self.data[str(found["name"])] = (found.get("value") or "").replace("\r", "").replace("\n", "")
        elif tag == "textarea":
            self.area = str(found["name"])
            self.data[self.area] = ""
        elif tag == "select":
            self.select = str(found["name"])
        elif tag == "option" and ("selected" in found or self.select not in self.data):
            self.data[self.select] = str(found["value"])

    def handle_data(self, data: str) -> None:
        if self.area:
            self.data[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = self.data[self.area].replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.data[self.area] = text.replace("\n", "\r\n")
            self.area = ""


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.text("\r\n ab", max_size=6)
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | SAFE | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SIMPLE: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "string"}, TEXT),
    ({"type": ["string", "null"]}, TEXT | st.none()),
    ({"type": "integer"}, SAFE | st.just(5.0)),
    ({"type": "number"}, SAFE | FLOATS),
    ({"type": ["number", "null"]}, FLOATS | st.none()),
    ({"type": "boolean"}, st.booleans()),
    ({"type": ["boolean", "null"]}, st.booleans() | st.none()),
    ({"enum": ["", "a", 1, True, None, [1]]}, st.sampled_from(["", "a", 1, True, None, [1]])),
    ({"type": "array"}, st.lists(VALUES, max_size=3)),
    ({"type": "object"}, st.dictionaries(TEXT, VALUES, max_size=3)),
    ({}, VALUES),
]


@st.composite
def cases(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a schema of an object and arguments that fit it."""
    properties: dict[str, Any] = {}
    value: dict[str, Any] = {}
    for name in draw(st.lists(TEXT, max_size=4, unique=True)):
        if depth and draw(st.booleans()):
            properties[name], inner = draw(cases(depth=depth - 1))
        else:
            properties[name], strategy = draw(st.sampled_from(SIMPLE))
            inner = draw(strategy)
        if draw(st.integers(0, 3)):
            value[name] = inner
    needed = [name for name in value if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": needed}, value


@given(cases())
def test_a_form_submitted_unchanged_gives_the_same_bytes(case: tuple[dict[str, Any], dict[str, Any]]):
    schema, arguments = case
    data = Browser(form_for(schema, arguments).as_div()).data
    found = form_for(schema, arguments, data).arguments()
    assert canonical(found) == canonical(arguments)
    assert repr(found) == repr(arguments)
