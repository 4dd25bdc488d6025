"""Connection kind ``memory``: agents propose what to remember of the subject that their run is about.

Whom it is about is no argument: code has found it from what the run has read, so no text can make an agent write into
somebody else's memory. A fact is written in the transaction that records the action's outcome: it is never in doubt.
Writing is a reversible change like any other: the gate has it reviewed wherever untrusted content had a part in it, and
undoing it puts back what was remembered before. An approval lets a fact in; it does not make it trusted.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from memory.connectors.base import NOTHING, Json, caller_of, object_schema, run_of
from memory.models import Trust
from memory.operations.facts import KEY, LONGEST_VALUE, OPERATION, Origin, Subject, claim_fact, end_fact
from memory.states import FactStatus
from tools.connectors.base import Caller, Done, Drifted, Operation, Probe, Refused, Target
from tools.models import Action
from tools.states import Effect, Idempotency
from workspaces.actors import System
from workspaces.canonical import digest
from workspaces.errors import InvalidInput, StaleState

WORKER: Final = System("worker")
MADE_UP: Final = "the agent itself"


class Remember:
    """Hold something to be true of the run's subject, or (null) that nothing is any more."""

    name: ClassVar[str] = OPERATION
    effect: ClassVar[Effect] = Effect.REVERSIBLE
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.CONDITIONAL

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``key``, ``value`` and, where the agent wants to say so, ``confidence``."""
        properties = {
            "key": {"type": "string", "pattern": KEY, "description": "What it is about, such as preferred_language."},
            "value": {
                "type": ["string", "number", "boolean", "null"],
                "minLength": 1,
                "maxLength": LONGEST_VALUE,
                "description": "What is true of the subject; null: what was remembered is not true any more.",
            },
            "confidence": {"type": "number", "minimum": 0, "maximum": 1, "description": "How sure you are."},
        }
        return object_schema(properties, required=["key", "value"])

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json:
        """Return what is held of the subject under this key now."""
        return _image(_subject(caller_of(target)), str(arguments.get("key")))

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Write the fact where what was remembered is still what people saw."""
        caller = caller_of(target)
        subject, name, value = _subject(caller), str(arguments["key"]), arguments.get("value")
        found = _image(subject, name)
        if digest(found) != digest(before):
            raise Drifted("Something else is remembered by now.", found)
        fact = None
        if value is None:
            end_fact(subject=subject, key=name, by=WORKER)
        else:
            try:
                origin = _origin(caller, subject, arguments)
                fact = claim_fact(subject=subject, key=name, value=value, origin=origin, by=WORKER)
            except InvalidInput as error:
                raise Refused(error.message) from error
            except StaleState as error:
                raise Drifted("Something else is remembered by now.", _image(subject, name)) from error
        return Done({"remembered": value is not None, "fact": str(fact.id) if fact else None}, _image(subject, name))

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json:
        """Return what is held now."""
        return self.before(target, arguments)

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Answer that nothing happened: what is done is recorded by the same transaction."""
        return Probe(False, "What is not recorded has not been done: both are one transaction.")

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return the claim that puts back what was remembered before."""
        return None if before is None else {"key": arguments.get("key"), "value": before.get("value")}

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return what will be held."""
        return None if before is None else {**before, "value": arguments.get("value")}


def _subject(caller: Caller) -> Subject:
    run = run_of(caller)
    if not run.subject_ref:
        raise Refused(
            "This run is about nobody, or about several, so nothing can be remembered. Look up whom it is about first."
        )
    return Subject(caller.workspace_id, caller.agent_id, run.subject_kind, run.subject_ref, run.environment)


def _image(subject: Subject, key: str) -> Json:
    held = subject.valid(key)
    return {"subject": subject.name, "key": key, "value": held.value if held else None}


def _origin(caller: Caller, subject: Subject, arguments: Mapping[str, Any]) -> Origin:
    """Return where the value is from, by the action's own provenance; trusted only if all of it is."""
    action = Action.objects.get(pk=caller.action_id)
    if action.compensates_id is not None:
        return _as_before(subject, action)
    leaves = action.provenance
    clean = bool(leaves) and not action.untrusted_influence and all(leaf["trusted"] for leaf in leaves)
    labels = [label for leaf in leaves if leaf["path"] == "/value" for label in leaf["sources"]]
    said = arguments.get("confidence")
    return Origin(
        source=", ".join(labels) or MADE_UP,
        trust=Trust.TRUSTED if clean else Trust.UNTRUSTED,
        confidence=None if said is None else Decimal(str(said)).quantize(Decimal("0.01")),
        action=action,
    )


def _as_before(subject: Subject, undo: Action) -> Origin:
    """Return the origin of the claim that an undo puts back: who lets it be undone does not vouch for it."""
    key, value = undo.arguments["key"], undo.arguments["value"]
    same = subject.facts().filter(key=key, value=value).exclude(status=FactStatus.VALID)
    earlier = same.order_by("-recorded_at", "-id").first()
    if earlier is None:
        return Origin(source=MADE_UP, trust=Trust.UNTRUSTED, action=undo)
    return Origin(source=earlier.source, trust=earlier.trust, confidence=earlier.confidence, action=undo)


class MemoryConnector:
    """What agents of this workspace remember."""

    kind: ClassVar[str] = "memory"
    title: ClassVar[str] = "Memory of this workspace's agents"
    config_schema: ClassVar[Json] = NOTHING
    secret_schema: ClassVar[Json] = NOTHING
    operations: ClassVar[Mapping[str, Operation]] = {Remember.name: Remember()}

    def check(self, target: Target) -> str:
        """Say that there is nothing to reach."""
        return "Memory is kept here: there is no other system to reach."
