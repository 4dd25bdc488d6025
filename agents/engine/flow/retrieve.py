"""A ``retrieve`` node: searches the version's collections, as far as whoever started the run may read them.

Each passage comes with its document's trust and all that a citation needs; the output is trusted where all of them are.
"""

from typing import Any, Final

from agents.engine.flow.around import Given
from agents.engine.flow.places import Place, of_node
from agents.engine.outcomes import backoff, hand_over
from agents.memories import Runs
from agents.workflows.values import Failed
from memory.connectors.knowledge import passage_json
from memory.errors import EmbeddingUnavailable
from memory.models import Collection, Trust
from memory.retrieval import LONGEST_QUERY, search
from workspaces.database import release_connection

MAX_FAILURES: Final = 12


@of_node
def perform(place: Place) -> Given | None:
    """Give the passages, best first; where the embedding endpoint does not answer, try again later."""
    query, _ = place.resolve(place.node.query)
    if not isinstance(query, str) or not query.strip() or len(query) > LONGEST_QUERY:
        raise Failed(f"What is looked for is a text of 1 to {LONGEST_QUERY:,} characters.")
    collections = _readable(place)
    release_connection()
    try:
        found = search(collections, query, limit=place.node.limit)
    except EmbeddingUnavailable as error:
        _later(place, f"{error.message} {error.hint}")
        return None
    passages = [passage_json(passage) for passage in found]
    vouched = bool(passages) and all(passage["trust"] == Trust.TRUSTED for passage in passages)
    return Given({"passages": passages, "count": len(passages)}, vouched)


def _readable(place: Place) -> Any:
    run = Runs().for_run(place.run.id)
    here = Collection.objects.readable_by(run.starter).filter(
        workspace_id=place.run.workspace_id, pk__in=run.collections
    )
    return here if place.node.collections is None else here.filter(name__in=place.node.collections)


def _later(place: Place, problem: str) -> None:
    step = place.step
    if step.failures + 1 >= MAX_FAILURES:
        raise Failed(f"{problem} It was tried {step.failures + 1} times.")
    hand_over(step, seconds=backoff(step.failures), failed=True, explanation=f"{problem} It is tried again.")
