"""Connection kind ``knowledge``: agents search the workspace's collections. It only reads.

A run finds what its agent's version names *and* whoever started it may read, at the moment of the search: the one is
what the agent is for, the other keeps an agent from being a way around somebody's rights. Each passage comes with the
label of its document and everything that a citation needs, down to the characters and the digest of the words.

Option ``limit``: passages a search returns (1 to 20, 5 by default).
"""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from memory.connectors.base import NOTHING, Json, caller_of, object_schema, run_of
from memory.errors import EmbeddingUnavailable
from memory.models import Collection
from memory.models.knowledge import CollectionQuerySet
from memory.retrieval import MOST, Passage, search
from tools.connectors.base import Caller, Done, NotSent, Operation, Probe, Refused, Target
from tools.states import Effect, Idempotency

KIND: Final = "knowledge"
LONGEST: Final = 500


class Search:
    """Find the passages that fit a question. A read: nothing to undo, and it may be done again."""

    name: ClassVar[str] = "knowledge.search"
    effect: ClassVar[Effect] = Effect.READ
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.ENFORCED

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return the one field ``query``."""
        _limit(options)
        words = 'What is looked for, in words; "a phrase"; -without.'
        query = {"type": "string", "minLength": 1, "maxLength": LONGEST, "description": words}
        return object_schema({"query": query}, required=["query"])

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Return ``{"passages": [...], "count"}``, best first."""
        limit = _limit(target.options)
        collections = collections_of(caller_of(target))
        try:
            found = search(collections, str(arguments.get("query") or ""), limit=limit)
        except EmbeddingUnavailable as error:
            raise NotSent(f"{error.message} {error.hint}") from error
        return Done({"passages": [passage_json(passage) for passage in found], "count": len(found)})

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Answer that nothing happened: a read leaves no trace and may be done again."""
        return Probe(False, "A search changes nothing: it can be done again.")

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: there is nothing to undo."""
        return None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return None: nothing will change."""
        return None


def collections_of(caller: Caller) -> CollectionQuerySet:
    """Return what the caller's run may search now."""
    run = run_of(caller)
    readable = Collection.objects.readable_by(run.starter)
    return readable.filter(workspace_id=caller.workspace_id, pk__in=run.collections)


def passage_json(passage: Passage) -> Json:
    """Return a passage as agents and reviewers see it: its words, its label, and the citation."""
    return {
        "text": passage.text,
        "trust": passage.trust,
        "document": passage.title,
        "source": passage.source,
        "heading_path": passage.heading_path,
        "start": passage.start,
        "end": passage.end,
        "digest": hashlib.sha256(passage.text.encode()).hexdigest(),
        "chunk_id": str(passage.chunk_id),
        "document_id": str(passage.document_id),
        "collection_id": str(passage.collection_id),
        "score": round(passage.score, 6),
    }


def _limit(options: Mapping[str, Any]) -> int:
    limit = options.get("limit", 5)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= MOST:
        raise Refused(f"The tool's option limit must be a whole number from 1 to {MOST}: correct the tool.")
    return limit


class KnowledgeConnector:
    """The workspace's own collections."""

    kind: ClassVar[str] = KIND
    title: ClassVar[str] = "Knowledge of this workspace"
    config_schema: ClassVar[Json] = NOTHING
    secret_schema: ClassVar[Json] = NOTHING
    operations: ClassVar[Mapping[str, Operation]] = {Search.name: Search()}

    def check(self, target: Target) -> str:
        """Say that there is nothing to reach."""
        return "Knowledge is kept here: there is no other system to reach."
