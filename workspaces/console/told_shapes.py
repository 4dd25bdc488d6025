"""What the page of what a model was told is given. See ``shapes`` for the manner."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspaces.console.run_shapes import Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """One part of what a model call was told; ``text`` is None where it was forgotten since."""

    key: str
    part: str
    trust: str
    tokens: int
    text: str | None
    shortened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPage:
    """What one model call was told, in the order in which it was; ``limits`` are what each source may take."""

    title: str
    back_url: str
    back: str
    tokens: int
    limits: str
    rows: Sequence[ToldRow] = ()
    pager: Pager | None = None
