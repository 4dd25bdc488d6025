"""The JSON Schemas of tools' arguments: what operators may write, and what to say when arguments do not fit.

A schema is 2020-12, describes an object, and stands alone: ``$ref`` points inside it (``#`` or ``#/…``) and nothing is
ever fetched. Its regular expressions are RE2 (the engine that policies use already), so that no pattern and no value
can make a check run for long; references that multiply without end are cut off.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Final

from cel_expr_python import cel
from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry
from referencing.exceptions import Unresolvable

from tools.formats import FORMATS
from tools.schema_sentences import sentence_for
from workspaces.canonical import canonical, digest
from workspaces.errors import InvalidInput

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA_BYTES: Final = 65_536
MAX_ARGUMENTS_BYTES: Final = 1_048_576
MAX_VALUES: Final = 1000
MAX_DEPTH: Final = 32
MAX_PROBLEMS: Final = 20
MAX_REFERENCES: Final = 5000
MAX_REFERENCE_DEPTH: Final = 64

_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_NAMED: Final = frozenset({"properties", "$defs", "dependentSchemas"})
_REFUSED: Final = {
    "$id": "gives parts of itself other addresses",
    "$anchor": "gives parts of itself other names",
    "$dynamicAnchor": "gives parts of itself other names",
    "$dynamicRef": "refers to parts by dynamic names",
    "patternProperties": "names properties by patterns",
}

_SEARCH = cel.NewEnv(variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING}).compile("text.matches(pattern)")
_references: ContextVar[list[int]] = ContextVar("references")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value: its JSON pointer, and a sentence for the person or the model that wrote it."""

    path: str
    sentence: str


class _TooManyReferences(Exception):
    pass


def check_schema(schema: Any, *, of_object: bool = True) -> None:
    """Raise ``InvalidInput`` with sentences unless ``schema`` is one that ``validate`` can be trusted with."""
    problems = list(_schema_problems(schema, of_object=of_object))
    if problems:
        raise InvalidInput(
            "This schema cannot be used.",
            hint=f"Write a JSON Schema (2020-12) {'of an object ' if of_object else ''}that stands alone.",
            fields={"schema": problems[:MAX_PROBLEMS]},
        )


def validate(arguments: Any, schema: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with ``arguments``, at most 20 problems in the order of their paths; empty if nothing is."""
    unfit = _unfit(arguments)
    return [Problem("", unfit)] if unfit else problems_of(arguments, schema)


def problems_of(value: Any, schema: Mapping[str, Any]) -> list[Problem]:
    """Do the same for JSON of any size, which the caller bounds."""
    return checker(schema)(value)


def checker(schema: Mapping[str, Any]) -> Callable[[Any], list[Problem]]:
    """Return ``problems_of`` for values of one schema, which is prepared once; it may not be changed afterwards."""
    return partial(_problems_by, _Validator(dict(schema), registry=Registry(), format_checker=FORMATS))


def _problems_by(validator: Any, value: Any) -> list[Problem]:
    token = _references.set([0, 0])
    try:
        errors = list(validator.iter_errors(value))
    except (RecursionError, _TooManyReferences):
        return [Problem("", "The tool's schema refers to itself without end, so nothing fits it.")]
    except Unresolvable:
        return [Problem("", "The tool's schema refers to something outside itself, so nothing fits it.")]
    finally:
        _references.reset(token)
    found = {Problem(path, sentence): None for error in errors for path, sentence in _explained(error)}
    return sorted(found, key=lambda problem: problem.path)[:MAX_PROBLEMS]


def schema_digest(schema: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the schema's canonical JSON, in hexadecimal."""
    return digest(schema)


def declared_names(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return every field name that ``schema`` declares at any depth; other keys of arguments are free text."""
    return frozenset(name for part, _ in _parts(schema) for name in part.get("properties", ()))


def pointer(path: Any) -> str:
    """Return the JSON pointer (RFC 6901) of a sequence of keys and positions."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _explained(error: ValidationError) -> Iterator[tuple[str, str]]:
    path = pointer(error.absolute_path)
    found: Any = error.instance
    schema: Any = error.schema
    wanted: Any = error.validator_value
    if error.validator == "required":
        missing = [name for name in wanted if name not in found]
        yield from ((path + pointer([name]), "This is needed.") for name in missing)
    elif error.validator == "additionalProperties" and wanted is False:
        extra = [name for name in found if name not in schema.get("properties", ())]
        yield from ((path + pointer([name]), "There is no such field.") for name in extra)
    else:
        yield path, sentence_for(str(error.validator), wanted, found)


def _unfit(arguments: Any) -> str:
    """Say why ``arguments`` are not to be looked at any further: no JSON, too deep, or too much."""
    waiting, seen = [(arguments, 1)], 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            return f"The arguments are nested deeper than {MAX_DEPTH} levels."
        if seen > 2 * MAX_VALUES:
            return f"The arguments have more than {MAX_VALUES:,} values: propose several smaller actions."
        if isinstance(item, dict | list):
            waiting += [(inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item)]
    try:
        size = len(canonical(arguments))
    except (ValueError, TypeError):
        return "The arguments are not JSON: there is a number or a text in them that JSON cannot hold."
    return "" if size <= MAX_ARGUMENTS_BYTES else "The arguments are larger than 1 MB: send less."


def _schema_problems(schema: Any, *, of_object: bool) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "A schema is an object of JSON."
        return
    if of_object and schema.get("type") != "object":
        yield 'The schema has to describe an object: begin with {"type": "object"}.'
        return
    try:
        if len(canonical(schema)) > MAX_SCHEMA_BYTES:
            yield f"The schema is larger than {MAX_SCHEMA_BYTES // 1024} KB."
            return
    except (ValueError, TypeError):
        yield "The schema is not JSON."
        return
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        yield f"The schema is written in another dialect: only {DIALECT} is known."
    if max(depth for _, depth in _parts(schema)) > MAX_DEPTH:
        yield f"The schema is nested deeper than {MAX_DEPTH} levels."
        return
    yield from (
        f"At {pointer(error.absolute_path) or 'the top'}: {error.message}." for error in _META.iter_errors(schema)
    )
    for part, _ in _parts(schema):
        yield from _part_problems(part, schema)


def _part_problems(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"The schema {why} ({word}), which is not supported." for word, why in _REFUSED.items() if word in part)
    if isinstance(reference := part.get("$ref"), str) and not _resolves(reference, schema):
        yield f"The reference “{reference}” points to nothing inside the schema; nothing is fetched from elsewhere."
    if isinstance(pattern := part.get("pattern"), str) and _search(pattern, "") is None:
        yield f"The pattern “{pattern}” cannot be used: patterns are RE2, without look-around and back references."


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield every subschema that is an object, with its depth; data inside it (enum, const, default) is no schema."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, list):
            waiting += [(inner, depth) for inner in part]
        elif isinstance(part, Mapping):
            yield part, depth
            for word, inner in part.items():
                if word in _NAMED and isinstance(inner, Mapping):
                    waiting += [(named, depth + 1) for named in inner.values()]
                elif word not in _DATA:
                    waiting.append((inner, depth + 1))


def _resolves(reference: str, schema: Any) -> bool:
    if reference != "#" and not re.fullmatch(r"#(/([^~%]|~[01])*)", reference):
        return False
    for token in reference.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(schema, dict) or name not in schema:
            return False
        schema = schema[name]
    return isinstance(schema, dict | bool)


def _search(pattern: str, text: str) -> bool | None:
    """Return whether ``pattern`` matches anywhere in ``text``; None where it is no regular expression (RE2)."""
    value = _SEARCH.eval(data={"text": text, "pattern": pattern})
    return value.value() is True if value.type() == cel.Type.BOOL else None


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _search(pattern, instance):
        yield ValidationError("does not match")


def _multiple_of(_validator: Any, divisor: float, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if (
        isinstance(instance, int | float)
        and not isinstance(instance, bool)
        and _fraction(instance) % _fraction(divisor)
    ):
        yield ValidationError("is no multiple")


def _fraction(number: float) -> Fraction:
    return Fraction(str(number))


def _ref(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    counter = _references.get()
    counter[0] += 1
    counter[1] += 1
    if counter[0] > MAX_REFERENCES or counter[1] > MAX_REFERENCE_DEPTH:
        raise _TooManyReferences
    yield from Draft202012Validator.VALIDATORS["$ref"](validator, reference, instance, schema)
    counter[1] -= 1


_Validator: Final = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of, "$ref": _ref}
)
_META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
