"""The kinds of nodes that hold no others: their fields, where they lead, and which of their values are templates."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")]
NODE_ID: Final = "A node's id is a letter, then letters, digits and underscores, at most 60 in all."
Schema = dict[str, Any]
EXPRESSION: Final = "$"
"""``{"$": "input.email"}`` stands for the value of the expression; everything else stands for itself."""


class Part(BaseModel):
    """A part of a workflow, which never changes and has no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Node(Part):
    """What every kind has: ``output`` is the schema that its output must fit, ``at_most`` bounds its visits."""

    kind: str
    output: Schema | None = None
    on_failure: NodeId | None = None
    at_most: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield where the node says what comes after it, and what; None where the flow ends."""
        if self.on_failure is not None:
            yield "on_failure", self.on_failure

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the node's values that may hold expressions, each with its place."""
        yield from ()

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield the node's conditions, each with its place."""
        yield from ()


class Onward(Node):
    """A node with one way out."""

    next: NodeId | None = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield the way out, and the way of failure."""
        yield "next", self.next
        yield from super().leads_to()


class Code(Onward):
    """Calls a registered pure function."""

    kind: Literal["code"]
    function: str
    arguments: dict[str, Any] = {}

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the function's arguments."""
        yield "arguments", self.arguments


class Case(Part):
    """One way out of a branch, and when it is taken."""

    when: str
    next: NodeId | None = None


class Branch(Node):
    """Goes the way of the first case that holds, else the other way."""

    kind: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=100)]
    otherwise: Annotated[NodeId | None, Field(alias="else")] = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield every way out."""
        yield from ((f"cases/{at}/next", case.next) for at, case in enumerate(self.cases))
        yield "else", self.otherwise
        yield from super().leads_to()

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield when each case holds."""
        yield from ((f"cases/{at}/when", case.when) for at, case in enumerate(self.cases))


Seconds = Annotated[int, Field(ge=0, le=10 * 366 * 24 * 3600)]


class Wait(Onward):
    """Waits for a while, or until a time; no worker is held meanwhile."""

    kind: Literal["wait"]
    for_seconds: Seconds | dict[str, Any] | None = None
    until: str | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Wait":
        if (self.for_seconds is None) == (self.until is None):
            raise ValueError("say either for_seconds or until")
        return self

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the time."""
        yield "for_seconds", self.for_seconds
        yield "until", self.until


class Asking(Onward):
    """A node that waits for somebody's answer, and may give up waiting."""

    timeout_seconds: Annotated[int, Field(ge=1, le=10 * 366 * 24 * 3600)] | None = None
    on_timeout: NodeId | None = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield the way out, the way of failure, and the way when nobody answers in time."""
        yield from super().leads_to()
        if self.on_timeout is not None:
            yield "on_timeout", self.on_timeout

    @model_validator(mode="after")
    def _in_time(self) -> "Asking":
        if self.on_timeout is not None and self.timeout_seconds is None:
            raise ValueError("on_timeout needs timeout_seconds")
        return self


class Event(Asking):
    """Waits for a signal of a name and a key; ``schema`` is what its payload must fit."""

    kind: Literal["event"]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    key: str | dict[str, Any] = ""
    payload: Annotated[Schema, Field(alias="schema")] = {}

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the key."""
        yield "key", self.key


class Action(Onward):
    """Proposes one action of a fixed tool; the gate judges it like any other."""

    kind: Literal["action"]
    tool: str
    arguments: dict[str, Any] = {}

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the action's arguments."""
        yield "arguments", self.arguments


class Retrieve(Onward):
    """Searches collections of the version, as far as whoever started the run may read them."""

    kind: Literal["retrieve"]
    query: str | dict[str, Any]
    collections: Annotated[list[str], Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=20)] = 5

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield what is looked for."""
        yield "query", self.query


class Model(Onward):
    """Asks the model, and lets it call ``tools`` of the version until it calls none.

    ``goal`` is an instruction, and therefore has no expressions in it; ``about`` is content that the model is told.
    """

    kind: Literal["model"]
    goal: Annotated[str, StringConstraints(max_length=20_000)] = ""
    about: Any = None
    tools: Annotated[list[str], Field(max_length=200)] | None = None

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield what the model is told."""
        yield "about", self.about


class Child(Onward):
    """Gives a task to another agent, within the run's own rights and what is left of its limits."""

    kind: Literal["child"]
    agent: str
    text: str | dict[str, Any] = ""
    input: dict[str, Any] | None = None
    budget_usd: Annotated[float, Field(ge=0, le=10**9)] | None = None
    step_limit: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the task."""
        yield "text", self.text
        yield "input", self.input


class Person(Asking):
    """Asks the people of a queue to fill in a form; ``schema`` says what it asks, ``about`` what they are shown."""

    kind: Literal["person"]
    queue: str = ""
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    form: Annotated[Schema, Field(alias="schema")]
    about: Any = None

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield what people are shown."""
        yield "about", self.about
