"""Each search of knowledge as a span, by the names of OpenTelemetry's conventions for generative AI."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from audit import telemetry

if TYPE_CHECKING:
    from memory.retrieval import Passage

Search = Callable[..., "list[Passage]"]


def traced_search(search: Search) -> Search:
    """Make a span of each search: how much was asked for and found, where; what was asked and found is content."""

    @wraps(search)
    def searched(collections: Any, query: str, **options: Any) -> "list[Passage]":
        asked = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.top_k": options.get("limit")}
        with telemetry.span("retrieval knowledge", asked) as span:
            span.content("gen_ai.retrieval.query.text", lambda: query)
            found = search(collections, query, **options)
            places = sorted({str(passage.collection_id) for passage in found})
            span.note(gen_ai__data_source__id=",".join(places), countersign__retrieval__passages=len(found))
            span.content(
                "gen_ai.retrieval.documents",
                lambda: [{"id": str(one.document_id), "score": one.score, "content": one.text} for one in found],
            )
        return found

    return searched
