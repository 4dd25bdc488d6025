"""What a connector is: the code that knows how to speak to one kind of outside system.

A connector never decides anything. It is reached only through the two doors (``tools.operations.execute`` and
``tools.operations.observe``), it holds no state between calls, and it touches no Countersign table; only the built-in
ones (``registry.is_builtin``) do, which work on what Countersign itself keeps.
Each of its operations states its effect and its idempotency class, and answers in exactly one of these ways: a value,
``NotSent`` (proven: nothing was done there, and trying again may help), ``Refused`` (the system, or the connector
before it asked, said no and nothing was done), ``Drifted`` (the condition did not hold, so the system did nothing), or
``Unknown`` (it may have happened). Unusable options of a tool are ``Refused`` too, from ``schema`` on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from uuid import UUID

from tools.states import Effect, Idempotency


class ConnectorError(Exception):
    """Why an operation gave no value; ``message`` is a sentence for people, without secrets."""

    def __init__(self, message: str, evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.evidence: dict[str, Any] = dict(evidence or {})


class NotSent(ConnectorError):
    """Proven: nothing was done (it was never asked, or it said "not now" in time). Trying again is safe."""


class Refused(ConnectorError):
    """The system answered that it did not do it. Trying the same again is pointless."""


class Drifted(ConnectorError):
    """The condition failed at the system, so nothing was changed; ``found`` is what is there now."""

    def __init__(self, message: str, found: Mapping[str, Any] | None) -> None:
        super().__init__(message, {"found": dict(found) if found is not None else None})
        self.found = found


class Unknown(ConnectorError):
    """The request may have been carried out; nobody here knows."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a call is made: the ids of the action, its run and agent, and the workspace of all three."""

    workspace_id: UUID
    run_id: UUID
    agent_id: UUID
    action_id: UUID


@dataclass(frozen=True, slots=True)
class Target:
    """Where one call goes: address and decrypted secret of the connection, and the tool's own options.

    ``config`` has ``host`` and ``port``; where ``hostaddr`` is there too, the call goes to that checked address and
    ``host`` is only the name (of the certificate, for instance). ``caller`` is None where no action asks (a check).
    """

    config: Mapping[str, Any]
    secret: Mapping[str, Any]
    options: Mapping[str, Any]
    deadline_seconds: float
    caller: Caller | None = None

    def __repr__(self) -> str:
        return f"Target(config={self.config!r}, options={self.options!r})"


@dataclass(frozen=True, slots=True)
class Done:
    """A carried-out operation: what the system answered, and the state after it as JSON values."""

    result: dict[str, Any]
    after: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe found: it happened (True), it did not (False), or nobody can tell (None), and why.

    ``after`` is the state that it has left, seen there: what an undo can be planned from. None where that was not seen.
    """

    happened: bool | None
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] | None = None


class Operation(Protocol):
    """One typed thing that a connector can do. All images and results are JSON objects."""

    name: ClassVar[str]
    effect: ClassVar[Effect]
    egress: ClassVar[bool]
    moves_money: ClassVar[bool]
    idempotency: ClassVar[Idempotency]

    def schema(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON Schema (2020-12, object, no additional properties) of the arguments under these options."""
        ...

    def before(self, target: Target, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Read what would be changed; None where there is nothing to read."""
        ...

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Do it once. ``key`` is the idempotency key; ``before`` is the image that was decided on."""
        ...

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> dict[str, Any] | None:
        """Read the state back after an execution; None where nothing can be read."""
        ...

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Find out, read-only, whether the execution under ``key`` happened."""
        ...

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return the arguments that undo it by this same operation; None where there is no undo."""
        ...

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the image expected after the operation, for the field-level diff a person sees; None if unknown."""
        ...


class Connector(Protocol):
    """One kind of outside system."""

    kind: ClassVar[str]
    title: ClassVar[str]
    config_schema: ClassVar[dict[str, Any]]
    secret_schema: ClassVar[dict[str, Any]]
    operations: ClassVar[Mapping[str, Operation]]

    def check(self, target: Target) -> str:
        """Connect without effect and return one sentence that says what answered; raise ``NotSent`` or ``Refused``."""
        ...
