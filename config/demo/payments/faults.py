"""Failures on demand, for tests: what happens to the next requests of a kind. The demo does not offer this."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

from config.demo.payments.keys import Answer

KINDS: Final = frozenset({"cut", "hang", "answer"})


@dataclass(slots=True)
class Fault:
    """``then`` happens to one request whose method and path begin so, before or ``after`` it is carried out.

    ``skip`` such requests pass unharmed first.

    ``cut`` drops the connection, ``hang`` says nothing until the faults are cleared, ``answer`` answers ``status`` with
    the error ``error``, or with ``body`` as it stands.
    """

    method: str
    path: str
    then: str
    after: bool = False
    skip: int = 0
    status: int = 500
    error: dict[str, Any] | None = None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self) -> Answer:
        """Return the answer of a fault that answers."""
        body = self.body if self.error is None else json.dumps({"error": self.error})
        return Answer(self.status, body, self.headers)


class Faults:
    """The faults that wait for their requests, and what holds requests that hang."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.released = asyncio.Event()

    def add(self, given: dict[str, Any]) -> None:
        """Wait for requests; raise ``ValueError`` or ``TypeError`` for what is no fault."""
        fault = Fault(**given)
        if fault.then not in KINDS:
            raise ValueError(f"A fault is one of {', '.join(sorted(KINDS))}.")
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let go of requests that hang, and fail no more."""
        self._waiting.clear()
        self.released.set()
        self.released = asyncio.Event()

    def meant_for(self, method: str, path: str) -> Fault | None:
        """Return the fault of this request, which is used up by it."""
        for fault in self._waiting:
            if fault.method == method and path.startswith(fault.path):
                if not fault.skip:
                    self._waiting.remove(fault)
                    return fault
                fault.skip -= 1
        return None
