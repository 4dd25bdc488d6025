"""``scale``: one search among 100,000 passages, comparing with all and walking the index, and what the walk misses.

The passages are sentences of the handbook put together at random with numbers and names, always the same way: there are
as many near misses as in a real collection that repeats itself, which is hard for an approximate index.
"""

import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from bench.figures import figure
from bench.retrieval import HANDBOOK
from memory.embeddings import DEFAULT_MODEL, vectors_of
from memory.models import Chunk, ChunkVector, Collection, Document
from memory.operations import create_collection
from memory.operations.knowledge import vector_rows
from memory.retrieval import MOST, search
from memory.vector_index import build_index
from tests.factories import SETUP

PASSAGES = 100_000
IN_A_DOCUMENT = 1000
QUERIES = 20
WAYS: dict[str, dict[str, Any]] = {"vectors": {"words": False}, "words": {"vectors": False}, "both": {}}


def measure(workspace: Any) -> list[dict[str, Any]]:
    """Return p50 and p95 of one search each way, exact and by the index, and the recall of the index."""
    collection = create_collection(workspace=workspace, name="scale", title="Scale", by=SETUP)
    _fill(collection)
    return measured(collection)


def measured(collection: Collection) -> list[dict[str, Any]]:
    """Return the figures of a collection that has been filled, and has no index yet."""
    queries = [query for query, _ in json.loads((HANDBOOK / "questions.json").read_text())][::2][:QUERIES]
    settings.KNOWLEDGE_EXACT_PASSAGES = PASSAGES
    found = {f"{way}, exact": _asked(collection, queries, WAYS[way]) for way in ("vectors", "words")}
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
    build_index(DEFAULT_MODEL)
    lines = [figure("scale", "index built", time.perf_counter() - began, "s", passages=PASSAGES)]
    settings.KNOWLEDGE_EXACT_PASSAGES = PASSAGES - 1
    found |= {f"{way}, index": _asked(collection, queries, WAYS[way]) for way in ("vectors", "both")}
    for name, (_, took) in found.items():
        lines.append(figure("scale", f"{name}: p50", statistics.median(took), "ms", passages=PASSAGES))
        p95 = statistics.quantiles(took, n=20)[-1]
        lines.append(figure("scale", f"{name}: p95", p95, "ms", queries=len(took)))
    pairs = list(zip(found["vectors, exact"][0], found["vectors, index"][0], strict=True))
    for most in (5, MOST):
        recall = statistics.fmean(len(set(a[:most]) & set(b[:most])) / most for a, b in pairs)
        lines.append(figure("scale", f"index: recall@{most} against exact", recall, "1", queries=len(pairs)))
    return lines


def _fill(collection: Collection) -> None:
    texts = list(_texts())
    for start in range(0, PASSAGES, IN_A_DOCUMENT):
        some = texts[start : start + IN_A_DOCUMENT]
        kept = {"workspace_id": collection.workspace_id, "collection": collection, "media_type": "text/plain"}
        document = Document.objects.create(
            **kept, title=f"Part {start}", digest=f"{start:064}", status="ready", text=""
        )
        rows = [
            Chunk(workspace_id=collection.workspace_id, document=document, ordinal=n, text=text, start=0, end=len(text))
            for n, text in enumerate(some)
        ]
        made = Chunk.objects.bulk_create(rows)
        vectors = vectors_of(some, model=DEFAULT_MODEL, dimension=collection.dimension)
        ChunkVector.objects.bulk_create(vector_rows(made, vectors, DEFAULT_MODEL))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE memory_document, memory_chunk, memory_chunkvector")


def _texts() -> Iterator[str]:
    chance = random.Random(4)  # noqa: S311 - the same passages every time
    lines = [line for line in (HANDBOOK / "handbook.md").read_text().splitlines() if line and line[0] != "#"]
    sentences = [part.strip() for line in lines for part in line.split(". ") if len(part) > 20]
    for number in range(PASSAGES):
        some = ". ".join(chance.sample(sentences, 4))
        name = chance.choice(["Ada", "Ben", "Cleo", "Dov"])
        yield f"{some}. Case {number}, of {name}, {chance.randint(1, 9999)} EUR."


def _asked(collection: Collection, queries: list[str], options: Any) -> tuple[list[list[UUID]], list[float]]:
    """Return what each query found, and the milliseconds that it took; the first one only warms up."""
    where, found, took = Collection.objects.filter(pk=collection.pk), [], []
    search(where, queries[0], limit=MOST, **options)
    for query in queries:
        began = time.perf_counter()
        passages = search(where, query, limit=MOST, **options)
        took.append((time.perf_counter() - began) * 1000)
        found.append([passage.chunk_id for passage in passages])
    return found, took
