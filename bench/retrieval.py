"""``retrieval``: how often the right passage is among the first five, by words, by vectors, and by both.

The set is ours: a handbook of 64 short sections and questions as customers ask them, each with the one section that
answers it. It is small and in English; it shows whether a change made retrieval better or worse, and nothing more.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Any

from bench.figures import figure
from memory.models import Collection
from memory.operations import add_document, create_collection, index_document, prepare_document
from memory.retrieval import search
from tests.factories import SETUP

HANDBOOK = Path(__file__).resolve().parent / "handbook"
WAYS = {
    "words": {"vectors": False},
    "vectors": {"words": False},
    "both": {},
}
DEEP = 20


def measure(workspace: Any) -> list[dict[str, Any]]:
    """Return recall among the first five, mean reciprocal rank, and the time of one search, each way."""
    questions = json.loads((HANDBOOK / "questions.json").read_text())
    collection = create_collection(workspace=workspace, name="handbook", title="Handbook", by=SETUP)
    content = (HANDBOOK / "handbook.md").read_bytes()
    prepared = prepare_document(content=content, media_type="text/markdown")
    document = add_document(collection=collection, prepared=prepared, title="Handbook", by=SETUP)
    index_document(document=document, by=SETUP)
    passages = document.chunks.count()
    found = {way: _asked(collection, questions, options) for way, options in WAYS.items()}
    lines = []
    for way, (places, took) in found.items():
        recall = sum(1 for place in places if place and place <= 5) / len(places)
        rank = statistics.fmean(1 / place if place else 0 for place in places)
        about = {"questions": len(places), "passages": passages}
        lines.append(figure("retrieval", f"{way}: recall@5", recall, "1", **about))
        lines.append(figure("retrieval", f"{way}: MRR", rank, "1", **about))
        lines.append(figure("retrieval", f"{way}: p50", statistics.median(took), "ms"))
    return lines


def _asked(collection: Collection, questions: Any, options: Any) -> tuple[list[int | None], list[float]]:
    """Return the place of the right passage for each question, and the milliseconds that it took."""
    where, places, took = Collection.objects.filter(pk=collection.pk), [], []
    for query, right in questions:
        began = time.perf_counter()
        found = search(where, query, limit=DEEP, **options)
        took.append((time.perf_counter() - began) * 1000)
        headings = [passage.heading_path[-1] for passage in found]
        places.append(headings.index(right) + 1 if right in headings else None)
    return places, took
