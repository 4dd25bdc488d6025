"""Lists, a page at a time: which rows, the way to the pages beside them, and the filters that narrow them."""

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from django.http import HttpRequest

from workspaces.canonical import sanitise
from workspaces.console.asking import page_number
from workspaces.console.run_shapes import Filter, Option, Pager

PAGE_SIZE: Final = 30

Row = TypeVar("Row")
Sliced = TypeVar("Sliced", covariant=True)


class Sliceable(Protocol[Sliced]):
    """Rows of the database, or a list of what was made from them."""

    def __getitem__(self, place: slice, /) -> Iterable[Sliced]: ...


def page_of(request: HttpRequest, rows: Sliceable[Row], size: int = PAGE_SIZE) -> tuple[list[Row], Pager | None]:
    """Return the page of ``rows`` that ``?page=`` asks for, and a pager where there is more than one page."""
    number = page_number(request)
    found = list(rows[(number - 1) * size : number * size + 1])
    shown, more = found[:size], len(found) > size
    if number == 1 and not more:
        return shown, None
    before = address(request, page=str(number - 1) if number > 2 else "") if number > 1 else ""
    after = address(request, page=str(number + 1)) if more else ""
    return shown, Pager(shown=len(shown), previous_url=before, next_url=after)


def address(request: HttpRequest, **changes: str) -> str:
    """Return this page's address with its query changed; an empty value takes a parameter away."""
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def asked(request: HttpRequest, name: str) -> str:
    """Return one parameter of the query, as text that the database can compare."""
    return str(sanitise(request.GET.get(name, ""))).strip()


def choice(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str, blank: str = "All") -> Filter:
    """Return a filter of ``options`` (value, label), with ``blank`` before them for no choice."""
    every = [("", blank), *options]
    return Filter(
        name=name, label=label, options=[Option(value=v, label=text, selected=v == chosen) for v, text in every]
    )
