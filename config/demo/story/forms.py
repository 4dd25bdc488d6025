"""The forms of a page, read as a browser reads them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

IGNORED = frozenset({"submit", "button", "reset", "image", "file"})


@dataclass
class Form:
    """A POST form: where it goes, what it would send as it stands, and what its selections offer."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    def has(self, names: Iterable[str], values: Mapping[str, str]) -> bool:
        """Say whether the form has all of these fields, and these values."""
        return all(name in self.fields for name in names) and values.items() <= self.fields.items()


def forms_of(page: str) -> list[Form]:
    """Return the page's POST forms in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", "")) if given.get("method", "").lower() == "post" else None
            if self._open is not None:
                self.forms.append(self._open)
        elif self._open is not None:
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "option" and self._select:
            form.choices[self._select].append(value)
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = value
        elif not name:
            return
        elif tag == "select":
            self._select, form.choices[name] = name, []
        elif tag == "textarea":
            self._textarea, form.fields[name] = name, ""
        elif tag == "input" and _counts(given):
            form.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._textarea:
            self._open.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            if self._open is not None and self._textarea:
                self._open.fields[self._textarea] = self._open.fields[self._textarea].removeprefix("\n")
            self._textarea = ""
        elif tag == "select":
            self._select = ""
        elif tag == "form":
            self._open = None


def _counts(given: Mapping[str, str]) -> bool:
    """Say whether a browser would send this input, left as it is."""
    kind = given.get("type", "text")
    return kind not in IGNORED and (kind not in {"checkbox", "radio"} or "checked" in given)
