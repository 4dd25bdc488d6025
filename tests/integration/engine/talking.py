"""A model that says what a test tells it to, in the wire format of a real provider, one answer a request."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.integration.providers.dialects import Dialect
from tests.integration.providers.server import Hang, ModelServer, answer, chunked, stream


@dataclass
class Turns:
    """A script that goes on by one answer with each request; the last one is repeated."""

    left: list[list[Any]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.left.pop(0) if len(self.left) > 1 else self.left[0])


@dataclass
class Talker:
    """Says the next thing in its dialect; the price of ``model`` is known where the protocol tells whose it is."""

    server: ModelServer
    dialect: Dialect

    def __post_init__(self) -> None:
        self.turns = Turns()
        self.server.script = self.turns

    @property
    def model(self) -> str:
        return "claude-sonnet-4-6" if self.dialect.provider.startswith("anthropic") else "gpt-5.1"

    def endpoint(self, **changes: Any) -> dict[str, Any]:
        named = {"provider": self.dialect.provider, "model": self.model, "base_url": self.server.url}
        return {**named, "connection": "model-key", "deadline_seconds": 5, **changes}

    def calls(self, *calls: tuple[str, Any], text: str = "") -> "Talker":
        """Propose ``(tool, arguments)``; arguments that are a string are sent as they are."""
        told = [
            (
                f"call_{len(self.turns.left)}_{n}",
                tool.replace(".", "_"),
                said if isinstance(said, str) else json.dumps(said),
            )
            for n, (tool, said) in enumerate(calls)
        ]
        body = self.dialect.open() + (self.dialect.text(text) if text else b"") + self.dialect.calls(told)
        return self.raw(stream(body + self.dialect.close("calls") + self.dialect.end))

    def says(self, text: str, why: str = "end") -> "Talker":
        body = self.dialect.open() + (self.dialect.text(text) if text else b"") + self.dialect.close(why)
        return self.raw(stream(body + self.dialect.end))

    def refuses(self, text: str = "I will not.") -> "Talker":
        return self.raw(stream(self.dialect.refusal(text) + self.dialect.end))

    def fails(self, status: str, kind: str = "api_error", **headers: str) -> "Talker":
        return self.raw(answer(self.dialect.error(kind, "No."), status, **headers))

    def hangs(self) -> "Talker":
        return self.raw(stream(self.dialect.open(), Hang()))

    def breaks_off(self) -> "Talker":
        return self.raw(chunked(self.dialect.open() + self.dialect.text("Half of"), whole=False))

    def raw(self, script: list[Any]) -> "Talker":
        self.turns.left.append(script)
        return self

    @property
    def heard(self) -> list[dict[str, Any]]:
        """The bodies of the requests so far."""
        return [seen.body for seen in self.server.requests]

    @property
    def last_heard(self) -> str:
        return json.dumps(self.heard[-1], ensure_ascii=False)
