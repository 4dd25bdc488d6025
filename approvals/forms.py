"""The form in which a reviewer edits an action's arguments: typed fields, made from the tool's JSON Schema.

Each field is named by the JSON pointer of its value. Objects with declared fields are laid out flat; lists, and all
that has no simple type, are edited as JSON. The edited arguments are the original ones with only those values
replaced that were changed, and they are checked against the whole schema. Line ends, number types and nulls of
untouched fields therefore survive, and a form submitted unchanged gives arguments with the same canonical bytes.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms

from approvals.diffs import label_of
from approvals.form_fields import (
    ABSENT,
    LONG_LIMIT,
    LONG_TEXT,
    ChoiceField,
    IntegerField,
    JsonField,
    NumberField,
    TextField,
    ValueField,
)
from tools.schemas import pointer, validate
from workspaces.errors import InvalidInput

MAX_HOPS: Final = 10
MAX_DEPTH: Final = 32
YES_OR_NO: Final = ((True, "Yes"), (False, "No"))

Names = tuple[str, ...]


class ArgumentsForm(forms.Form):
    """A form over one action's arguments; bound when ``data`` is given."""

    use_required_attribute = False

    def __init__(
        self, schema: Mapping[str, Any], arguments: Mapping[str, Any], data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.schema, self.original = schema, arguments
        self._names: dict[str, Names] = {}
        for names, field in _fields((), schema, arguments, schema):
            self._names[pointer(names)] = names
            self.fields[pointer(names)] = field

    def clean(self) -> dict[str, Any]:
        """Check the edited arguments against the whole schema, and say at each field what is wrong with it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            for problem in validate(self._edited(), self.schema):
                self._blame(problem.path, problem.sentence)
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """Return the edited arguments; raise ``InvalidInput`` with sentences by field where they cannot be used."""
        if not self.is_valid():
            fields = {name: [str(sentence) for sentence in found] for name, found in self.errors.items()}
            raise InvalidInput("These arguments cannot be used.", hint="Correct the fields named here.", fields=fields)
        return self._edited()

    def _edited(self) -> dict[str, Any]:
        edited: dict[str, Any] = copy.deepcopy(dict(self.original))
        for name, value in self.cleaned_data.items():
            field = self.fields[name]
            if isinstance(field, ValueField) and value is not field.original:
                _put(edited, self._names[name], value)
        return edited

    def _blame(self, path: str, sentence: str) -> None:
        name = path
        while name and name not in self.fields:
            name = name.rpartition("/")[0]
        inner = path.removeprefix(name).removeprefix("/")
        self.add_error(name or None, f"{inner}: {sentence}" if inner else sentence)


def form_for(
    schema: Mapping[str, Any], arguments: Mapping[str, Any], data: Mapping[str, Any] | None = None
) -> ArgumentsForm:
    """Return the form for ``arguments`` of a tool with ``schema``; ``data`` is what a browser has submitted."""
    return ArgumentsForm(schema, arguments, data)


def _put(target: dict[str, Any], names: Names, value: Any) -> None:
    for name in names[:-1]:
        target = target[name]
    if value is ABSENT:
        target.pop(names[-1], None)
    else:
        target[names[-1]] = value


def _fields(
    names: Names, schema: Mapping[str, Any], value: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[tuple[Names, ValueField]]:
    """Yield a field for each declared or present value of one object, those of objects inside it included."""
    declared: Mapping[str, Any] = schema.get("properties", {})
    needed = schema.get("required", ())
    for name in dict.fromkeys([*declared, *value]):
        inner, nullable = _simplified(declared.get(name, {}), root)
        present = value.get(name, ABSENT)
        here = (*names, name)
        if _is_laid_out(inner, nullable, present) and len(here) < MAX_DEPTH:
            yield from _fields(here, inner, present, root)
        else:
            yield here, _field(here, inner, nullable, present, name in needed)


def _is_laid_out(schema: Mapping[str, Any], nullable: bool, value: Any) -> bool:
    return (
        schema.get("type") == "object" and bool(schema.get("properties")) and not nullable and isinstance(value, dict)
    )


def _simplified(schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema that counts for the field, references followed, and whether null is allowed beside it."""
    nullable = False
    for _ in range(MAX_HOPS):
        if not isinstance(schema, Mapping):
            return {}, nullable
        choices = schema.get("anyOf") or schema.get("oneOf") or ()
        others = [choice for choice in choices if choice != {"type": "null"}]
        kinds = schema.get("type")
        if "$ref" in schema:
            schema = {**_target(schema["$ref"], root), **{key: schema[key] for key in schema if key != "$ref"}}
        elif len(others) == 1 and len(choices) == 2 and isinstance(others[0], Mapping):
            kept = {key: schema[key] for key in schema if key not in ("anyOf", "oneOf")}
            schema, nullable = {**others[0], **kept}, True
        elif isinstance(kinds, list) and len(kinds) == 2 and "null" in kinds:
            schema, nullable = {**schema, "type": next(kind for kind in kinds if kind != "null")}, True
        else:
            return schema, nullable
    return {}, nullable


def _target(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for token in reference.split("/")[1:]:
        found = found.get(token.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _field(names: Names, schema: Mapping[str, Any], nullable: bool, value: Any, needed: bool) -> ValueField:
    common: dict[str, Any] = {
        "original": value,
        "needed": needed,
        "nullable": nullable,
        "label": str(schema.get("title") or label_of(names)),
        "help_text": str(schema.get("description", "")),
    }
    empty = value is ABSENT or (value is None and nullable)
    if values := _choices(schema):
        field = ChoiceField(values=values, **common)
        return field if value is ABSENT or field.initial in field.keys else JsonField(rows=6, **common)
    kind = schema.get("type")
    if kind == "string" and (empty or isinstance(value, str)):
        return TextField(rows=_rows(schema, value), **common)
    if kind in ("integer", "number") and (empty or (isinstance(value, int | float) and not isinstance(value, bool))):
        return (IntegerField if kind == "integer" else NumberField)(**common)
    return JsonField(rows=6, **common)


def _choices(schema: Mapping[str, Any]) -> list[tuple[Any, str]]:
    if "const" in schema:
        return [(schema["const"], _shown(schema["const"]))]
    if "enum" in schema:
        return [(value, _shown(value)) for value in schema["enum"]]
    return list(YES_OR_NO) if schema.get("type") == "boolean" else []


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _rows(schema: Mapping[str, Any], value: Any) -> int:
    text = value if isinstance(value, str) else ""
    long = schema.get("maxLength", 0) > LONG_LIMIT or len(text) > LONG_TEXT
    return min(20, max(4, text.count("\n") + 2)) if long or "\n" in text or "\r" in text else 1
