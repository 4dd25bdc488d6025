"""One form field for one value of an action's arguments.

A field shows its value as text and reads text back. What is submitted as it was shown gives back the *identical*
value, whatever the text could also have meant: 5.0 stays 5.0, line ends stay as they were, null stays null. Browsers
send line ends as CR LF, so texts are compared without that difference.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape

from workspaces.canonical import MAX_SAFE_INTEGER, canonical

LONG_TEXT: Final = 80
LONG_LIMIT: Final = 1000
MAX_DIGITS: Final = 400
NEEDED: Final = "This is needed."


class Absent:
    """The value of a field that the arguments do not have."""


ABSENT: Final = Absent()


class ValueField(forms.Field):
    """A value that is shown as text; ``original`` is the value that the form was made for, or ``ABSENT``."""

    input_mode: ClassVar[str] = ""

    def __init__(
        self, *, original: Any, needed: bool, nullable: bool, label: str, help_text: str, rows: int = 1
    ) -> None:
        self.original, self.needed, self.nullable = original, needed, nullable
        shown = "" if original is ABSENT or (original is None and nullable) else self.written(original)
        hint = help_text if needed else f"{help_text} Leave it empty to leave it out.".strip()
        widget = self.make_widget(shown, rows)
        super().__init__(required=False, label=label, help_text=escape(hint), initial=shown, widget=widget)

    def make_widget(self, shown: str, rows: int) -> forms.Widget:
        mode = {"inputmode": self.input_mode} if self.input_mode else {}
        return forms.Textarea({"rows": str(rows), **mode}) if rows > 1 else forms.TextInput(mode)

    def clean(self, value: str | None) -> Any:
        """Return the value that ``value`` stands for; a field that was not submitted keeps its value."""
        text = self.initial if value is None else value
        if _lines(text) == _lines(self.initial):
            if self.original is ABSENT and self.needed:
                raise ValidationError(NEEDED)
            return self.original
        return self.read(_lines(text)) if self.is_filled(text) else self.emptied()

    def is_filled(self, text: str) -> bool:
        return bool(text.strip())

    def emptied(self) -> Any:
        """Return what an emptied field means: left out where that is possible, else null where that is."""
        if not self.needed:
            return ABSENT
        if self.nullable:
            return None
        raise ValidationError(NEEDED)

    def written(self, value: Any) -> str:
        return str(value)

    def read(self, text: str) -> Any:
        """Return the value of a text that was changed and is not empty; raise ``ValidationError`` with a sentence."""
        return text


class TextField(ValueField):
    """A text; spaces count."""

    def is_filled(self, text: str) -> bool:
        return bool(text)

    def emptied(self) -> Any:
        return "" if self.needed and not self.nullable else super().emptied()


class IntegerField(ValueField):
    """A whole number, of at most 2**53 - 1 either way."""

    input_mode = "numeric"

    def read(self, text: str) -> Any:
        return exact_integer(text.strip())


class NumberField(ValueField):
    """A number; it stays whole or broken as it was, and is refused where its digits could not be kept exactly."""

    input_mode = "decimal"

    def read(self, text: str) -> Any:
        plain = text.strip()
        if re.fullmatch(r"[-+]?[0-9]+", plain) and not isinstance(self.original, float):
            return exact_integer(plain)
        return exact_float(plain)


class ChoiceField(ValueField):
    """One of the values that the schema lists, null among them if it may be; each is chosen by its text or its JSON."""

    def __init__(self, *, values: Sequence[tuple[Any, str]], nullable: bool, **common: Any) -> None:
        every = [*values, (None, "none")] if nullable and all(value is not None for value, _ in values) else values
        self.keys: Mapping[str, Any] = {_key(value): value for value, _ in every}
        self.labels = {_key(value): label for value, label in every}
        super().__init__(nullable=False, **common)

    def make_widget(self, shown: str, rows: int) -> forms.Widget:
        blank = [] if self.needed and shown else [("", "choose" if self.needed else "left out")]
        return forms.Select(choices=[*blank, *self.labels.items()])

    def written(self, value: Any) -> str:
        return _key(value)

    def read(self, text: str) -> Any:
        if text not in self.keys:
            raise ValidationError("Choose one of the values in the list.")
        return self.keys[text]


class JsonField(ValueField):
    """Anything else, as JSON."""

    def written(self, value: Any) -> str:
        return json.dumps(value, indent=2, ensure_ascii=False)

    def read(self, text: str) -> Any:
        return exact_json(text)


def exact_integer(text: str) -> int:
    """Return the integer; raise ``ValidationError`` where it is none or too large to be kept exactly."""
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise ValidationError("Write a whole number in digits, such as 1200.")
    if len(text) > MAX_DIGITS or abs(int(text)) > MAX_SAFE_INTEGER:
        raise ValidationError("This number is too large to be kept exactly.")
    return int(text)


def exact_float(text: str) -> float:
    """Return the number; raise ``ValidationError`` where it is none or a float would change its digits."""
    if not re.fullmatch(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,4})?", text):
        raise ValidationError("Write a number with a point, such as 12.50.")
    if len(text) > MAX_DIGITS or Decimal(repr(float(text))) != Decimal(text):
        raise ValidationError("This number has more digits than can be kept exactly.")
    return float(text)


def exact_json(text: str) -> Any:
    """Return the JSON value; raise ``ValidationError`` where it is none, or could not be kept exactly."""
    try:
        found = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=exact_integer,
            parse_float=exact_float,
            object_pairs_hook=_unique_keys,
        )
        canonical(found)
    except json.JSONDecodeError as error:
        raise ValidationError(f"This is not JSON: see line {error.lineno}, column {error.colno}.") from error
    except (ValueError, RecursionError) as error:
        raise ValidationError("This JSON cannot be used: it is nested too deeply, or holds a broken text.") from error
    return found


def _refuse_constant(name: str) -> Any:
    raise ValidationError(f"{name} is not JSON.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValidationError("This JSON names the same key twice in one object.")
    return found


def _key(value: Any) -> str:
    if isinstance(value, str) and value and value[0] not in '"[{-0123456789' and value not in {"true", "false", "null"}:
        return value
    return canonical(value).decode()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
