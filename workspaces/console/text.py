"""Shows text that came from outside without letting it act, hide or pose as something else.

Untrusted text (tickets, model output, tool results) may carry characters that reorder, hide or join what a reviewer
reads. Everything here returns escaped HTML in which such characters stand as labelled marks. Nothing becomes a link.
"""

import json
import re
import unicodedata
from typing import Any, Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from workspaces.canonical import sanitise

JSON_CAP: Final = 20_000
"""Characters of JSON shown at once; the rest is offered by itself."""

_BEFORE_ELLIPSIS: Final = " \t\n.,;:…"
"""What an ellipsis takes the place of."""

_COMBINING_CAP: Final = 4
"""Combining marks left on one letter. No living orthography needs more; a stack of fifty paints over its neighbours."""

_NAMES: Final[dict[int, str]] = {
    0x00AD: "SHY", 0x034F: "CGJ", 0x061C: "ALM", 0x115F: "FILLER", 0x1160: "FILLER", 0x180E: "MVS",
    0x200B: "ZWSP", 0x200C: "ZWNJ", 0x200D: "ZWJ", 0x200E: "LRM", 0x200F: "RLM",
    0x2028: "LINE", 0x2029: "PARA", 0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO",
    0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
    0x2800: "BLANK", 0x3164: "FILLER", 0xFEFF: "BOM", 0xFFA0: "FILLER",
    0x7F: "DEL", 0x1B: "ESC", 0x0D: "CR", 0x00: "NUL",
}  # fmt: skip

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]+"
)
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")
_STACKED: Final = re.compile(rf"(?:(?!\s)\W){{{_COMBINING_CAP + 1},}}")
_EMOJI_BEFORE: Final = re.compile("[\u00a9\u00ae\u2122-\u3299\ufe0f\U0001f000-\U0001faff#*0-9]$")
_EMOJI_AFTER: Final = re.compile("^[\u2190-\u2bff\U0001f000-\U0001faff]")
_KEY: Final = re.compile(r"^(\s*)(&quot;.*?&quot;)(: )", re.MULTILINE)


def inert(value: object) -> SafeString:
    """Return ``value`` as escaped text in an isolated ``<bdi>``, with every hidden character as a labelled mark."""
    return mark_safe(f'<bdi class="inert">{_visible(_text(value))}</bdi>')  # noqa: S308 - escaped piece by piece


def excerpt(text: object, length: int = 600) -> str:
    """Return at most ``length`` characters of ``text``, cut at a word where there is one, with an ellipsis."""
    whole = _text(text)
    if len(whole) <= length:
        return whole
    head = whole[:length]
    cut = head.rfind(" ", length // 2)
    return head[: cut if cut > 0 else length].rstrip(_BEFORE_ELLIPSIS) + "…"


def pretty_json(value: Any) -> SafeString:
    """Return ``value`` as indented JSON with sorted keys, escaped, hidden characters marked, the keys set quieter."""
    shown = _visible(json_text(value))
    return mark_safe(_KEY.sub(r'\1<span class="key">\2</span>\3', shown))  # noqa: S308 - escaped piece by piece


def json_text(value: Any) -> str:
    """Return ``value`` as stable indented JSON: the same value is the same text, whatever order it was built in."""
    return json.dumps(sanitise(value), indent=2, sort_keys=True, ensure_ascii=False, default=str)


def _text(value: object) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n")


def _visible(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for match in _HIDDEN.finditer(text):
        pieces.append(_unstack(text[done : match.start()]))
        if _joins_emoji(text, match):
            pieces.append(match.group())
        else:
            pieces.append(_marks(match.group()))
        done = match.end()
    pieces.append(_unstack(text[done:]))
    return "".join(pieces)


def _joins_emoji(text: str, match: re.Match[str]) -> bool:
    """Tell whether this is how a pictograph is written: a joiner between two, or one style selector after one."""
    run = match.group()
    if run not in ("\u200d", "\ufe0f", "\ufe0f\u200d"):
        return False
    before = text[max(0, match.start() - 1) : match.start()]
    if not _EMOJI_BEFORE.search(before):
        return False
    return not run.endswith("\u200d") or bool(_EMOJI_AFTER.match(text[match.end() : match.end() + 1]))


def _marks(run: str) -> str:
    """Label a run of hidden characters: tag characters by what they spell, equal neighbours by their number."""
    if _TAGS.fullmatch(run):
        said = "".join(chr(ord(character) - 0xE0000) for character in run[:200])
        return f'<span class="mark" title="hidden tag characters that spell this">TAG {escape(said)}</span>'
    marks: list[str] = []
    at = 0
    while at < len(run) and len(marks) < 12:
        same = len(run[at:]) - len(run[at:].lstrip(run[at]))
        marks.append(_mark(run[at], same))
        at += same
    if at < len(run):
        marks.append(f'<span class="mark">+{len(run) - at} hidden</span>')
    return "".join(marks)


def _mark(character: str, count: int) -> str:
    code = ord(character)
    name = _NAMES.get(code) or ("TAG" if 0xE0000 <= code <= 0xE007F else f"U+{code:04X}")
    title = unicodedata.name(character, "control character").lower()
    times = f"×{count}" if count > 1 else ""
    return f'<span class="mark" title="U+{code:04X} {escape(title)}">{name}{times}</span>'


def _unstack(text: str) -> str:
    """Escape ``text``, replacing the combining marks beyond the cap on any one letter by their number."""
    return _STACKED.sub(_cap_combining, str(escape(text))) if not text.isascii() else str(escape(text))


def _cap_combining(match: re.Match[str]) -> str:
    kept: list[str] = []
    stack = cut = 0
    for character in match.group():
        stack = stack + 1 if unicodedata.combining(character) else 0
        if stack > _COMBINING_CAP:
            cut += 1
        else:
            kept.append(character)
    note = f'<span class="mark" title="combining marks taken off">+{cut} marks</span>' if cut else ""
    return "".join(kept) + note
