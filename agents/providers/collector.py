"""Builds one answer out of a stream, within caps.

Every adapter feeds what it reads into a ``Collector``; only ``answer`` turns it into a ``ModelAnswer``, and only when
the adapter has seen the provider's end mark. What the model wrote is sanitised and parsed here and nowhere else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from agents.providers.base import ModelAnswer, Stop, ToolCall, Usage
from agents.providers.errors import AnswerTooLarge, EmptyAnswer
from agents.providers.names import ToolNames
from workspaces.canonical import loads, sanitise
from workspaces.ids import uuid7

MAX_CHARACTERS: Final = 1_000_000
MAX_CALLS: Final = 64
_MAX_NAME: Final = 200
_MAX_COUNT: Final = 2**53

OnDelta = Callable[[str], None]


@dataclass(slots=True)
class _Draft:
    id: str
    name: str
    raw: list[str] = field(default_factory=list)


class Collector:
    """Text, reasoning and calls of one answer while it streams in."""

    def __init__(self, names: ToolNames, on_delta: OnDelta | None) -> None:
        self._names = names
        self._on_delta = on_delta
        self._size = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[object, _Draft] = {}
        self.usage = Usage()
        self.model = ""
        self.response_id = ""

    def text(self, piece: str) -> None:
        if not piece:
            return
        self._grow(piece)
        self._text.append(piece)
        if self._on_delta:
            self._on_delta(sanitise(piece))

    def reasoning(self, piece: str) -> None:
        self._grow(piece)
        self._reasoning.append(piece)

    def call(self, key: object, *, call_id: str = "", name: str = "") -> None:
        """Note the call known to the stream as ``key``; an id or a name that came late completes it."""
        draft = self._calls.get(key)
        if draft is None:
            if len(self._calls) >= MAX_CALLS:
                raise AnswerTooLarge(f"The model made more than {MAX_CALLS} calls in one turn.", may_have_cost=True)
            draft = self._calls[key] = _Draft("", "")
        draft.id = draft.id or call_id[:_MAX_NAME]
        draft.name = draft.name or name[:_MAX_NAME]

    def arguments(self, key: object, piece: str) -> None:
        self._grow(piece)
        self.call(key)
        self._calls[key].raw.append(piece)

    def all_arguments(self, key: object, whole: str) -> None:
        """Take the complete arguments of a call, in place of the pieces that came before."""
        self.call(key)
        draft = self._calls[key]
        self._size -= sum(map(len, draft.raw))
        self._grow(whole)
        draft.raw = [whole]

    @property
    def has_text(self) -> bool:
        return bool(self._text)

    def answer(self, stop: Stop) -> ModelAnswer:
        """Build the answer; raise ``EmptyAnswer`` where there is neither text nor a call nor a reason for it."""
        text = sanitise("".join(self._text))
        if stop in {Stop.END, Stop.CALLS}:
            stop = Stop.CALLS if self._calls else Stop.END
            if not self._calls and not text.strip():
                raise EmptyAnswer("The model ended its turn without a word and without a call.", may_have_cost=True)
        return ModelAnswer(
            text=text,
            reasoning=sanitise("".join(self._reasoning)),
            calls=tuple(self._finished(stop)),
            stop=stop,
            usage=self.usage,
            model=sanitise(self.model)[:_MAX_NAME],
            response_id=sanitise(self.response_id)[:_MAX_NAME],
        )

    def _finished(self, stop: Stop) -> Iterable[ToolCall]:
        seen: set[str] = set()
        last = list(self._calls)[-1:]
        for key, draft in self._calls.items():
            call_id = sanitise(draft.id)
            if not call_id or call_id in seen:
                call_id = f"call_{uuid7().hex}"
            seen.add(call_id)
            problem = _interrupted(stop, is_last=[key] == last)
            yield self._call(call_id, sanitise(draft.name), sanitise("".join(draft.raw)), problem)

    def _call(self, call_id: str, name: str, raw: str, problem: str | None) -> ToolCall:
        arguments, unreadable = _parse(raw)
        ours = self._names.ours(name)
        if ours is None:
            unknown = f"There is no tool named {name!r}; call one of the tools you were given."
            return ToolCall(call_id, name, arguments, raw, unknown)
        return ToolCall(call_id, ours, arguments, raw, problem or unreadable)

    def _grow(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > MAX_CHARACTERS:
            raise AnswerTooLarge(
                f"The answer is longer than {MAX_CHARACTERS} characters, so it was ended.", may_have_cost=True
            )


def tokens(value: Any) -> int | None:
    """Return a token count as the provider gave it, None where it is no sensible number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT else None


def _interrupted(stop: Stop, *, is_last: bool) -> str | None:
    if stop is Stop.LENGTH and is_last:
        return "The answer was cut off at the length limit while this call was written; make the call again, shorter."
    if stop is Stop.REFUSAL:
        return "The model refused in the same answer, so this call was not used."
    return None


def _parse(raw: str) -> tuple[dict[str, Any] | None, str | None]:
    """Return the arguments, or the sentence that says what is wrong with them; no text at all means no arguments."""
    if not raw.strip():
        return {}, None
    try:
        value = loads(raw)
    except ValueError as error:
        return None, f"The arguments are not JSON ({str(error)[:120]}); send one JSON object that fits the schema."
    if not isinstance(value, dict):
        return None, "The arguments are not a JSON object; send one JSON object that fits the schema."
    return value, None
