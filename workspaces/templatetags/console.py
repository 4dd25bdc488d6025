"""Filters and tags that every console page uses: inert text, short ids, money, times, words for states."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final
from uuid import uuid4

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workspaces.console import text
from workspaces.console.once import FIELD
from workspaces.console.words import Look, look

register = template.Library()

register.filter("inert", text.inert)
register.filter("excerpt", text.excerpt)

_SMALLEST: Final = Decimal("0.000001")
_NO_MINOR_UNITS: Final = frozenset({"JPY", "KRW", "VND", "CLP", "ISK"})
_THREE_MINOR_UNITS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


@register.filter
def word(value: str, kind: str) -> Look:
    """Return the look (word, tone, icon) of a state: ``{% with look=value|word:"run" %}``."""
    return look(kind, value)


@register.filter
def short_id(value: object) -> str:
    """Shorten an id or digest to what tells it apart: the last 8 digits of a UUID, the first 10 of a digest."""
    whole = str(value)
    if len(whole) == 36 and whole.count("-") == 4:
        return whole[-8:]
    return whole if len(whole) <= 12 else whole[:10]


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    """Return an amount with its currency; unknown is a word, and below one the first digits that count are kept."""
    if amount is None:
        return "unknown"
    places = 0 if currency in _NO_MINOR_UNITS else 3 if currency in _THREE_MINOR_UNITS else 2
    if amount and abs(amount) < _SMALLEST:
        return f"under {_SMALLEST:f} {currency}".strip()
    if amount and abs(amount) < 1:
        places = max(places, min(6, 1 - amount.adjusted()))
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=Context(prec=60))
    return f"{rounded:,f} {currency}".strip()


@register.filter
def relative(at: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago or ahead ``at`` is, in its largest whole unit: the same words as page.js."""
    if at is None:
        return "never"
    seconds = round((at - (now or timezone.now())).total_seconds())
    size = abs(seconds)
    if size < 5:
        return "now"
    unit, length = next((unit, length) for unit, length in _UNITS if size >= length)
    count = size // length
    return f"{count} {unit} ago" if seconds < 0 else f"in {count} {unit}"


_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@register.filter
def duration(value: timedelta | None) -> str:
    """Return a duration in at most two units: ``340 ms``, ``2.4 s``, ``3 min 5 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if value is None:
        return ""
    seconds = value.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    pairs = [(unit, length) for unit, length in _UNITS if whole >= length]
    (unit, length), (below, below_length) = pairs[0], pairs[1]
    count, rest = divmod(whole, length)
    return f"{count} {unit}" + (f" {rest // below_length} {below}" if rest // below_length else "")


@register.filter
def pretty_json(value: Any) -> SafeString:
    """Return ``value`` as stable, escaped, quietly set JSON."""
    return text.pretty_json(value)


@register.filter
def json_head(value: Any) -> SafeString:
    """Return the part of ``value`` as JSON that is shown at once, or nothing where all of it is short enough."""
    whole = text.json_text(value)
    return text.inert(whole[: text.JSON_CAP] + "…") if len(whole) > text.JSON_CAP else SafeString("")


@register.filter
def json_size(value: Any) -> int:
    """Return the number of characters of ``value`` as JSON."""
    return len(text.json_text(value))


@register.filter
def records(value: Any) -> list[list[tuple[str, str]]]:
    """Return the few small records that ``value`` is or holds in its one list, as names and values; else nothing."""
    lists = [part for part in value.values() if isinstance(part, list)] if isinstance(value, dict) else []
    rows = value if isinstance(value, list) else lists[0] if len(lists) == 1 else [value]
    if not 0 < len(rows) <= _FEW_RECORDS or not all(isinstance(row, dict) and row and _is_flat(row) for row in rows):
        return []
    return [[(str(name).replace("_", " "), _plain(part)) for name, part in row.items()] for row in rows]


_FEW_RECORDS: Final = 3
_FEW_VALUES: Final = 12


def _is_flat(row: dict[str, Any]) -> bool:
    return len(row) <= _FEW_VALUES and not any(isinstance(part, dict | list) for part in row.values())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else text.json_text(value)


@register.filter
def is_long(value: object, length: int = 600) -> bool:
    """Tell whether text is too long to be shown unfolded."""
    return len(str(value)) > length


@register.simple_tag
def once(key: str = "") -> SafeString:
    """Return a form's one-time key, fresh unless the form comes back with ``key``: sent twice, it is done once."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, key or uuid4())


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return an icon of icons.svg; it says nothing by itself, so it is hidden from screen readers."""
    href = f"{static('console/icons.svg')}#{name}"
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)
