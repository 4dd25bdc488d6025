"""Searching knowledge: one statement that ranks by words and by vectors, and fuses the two ranks.

The statement itself holds who may read what, so that nothing is found first and hidden afterwards. Reciprocal rank
fusion (Cormack, Clarke, Büttcher, SIGIR 2009): a passage's score is the sum, over both rankings, of 1 / (60 + its
place). Ranks need no common scale; distances of two embedding models, which have none, are ranked apart.

Retrieval only reads: nothing here can reach a tool (a contract of the import linter). What it returns is data: each
passage says where it is from and how far it is trusted, and no text in it is ever an instruction.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query

from memory.embeddings import vectors_of
from memory.models import Collection
from memory.models.knowledge import LANGUAGE
from memory.tracing import traced_search
from memory.vector_index import INDEXED
from workspaces.canonical import sanitise

DEPTH: Final = 20
"""Places of each ranking that take part in the fusion: further down, a weak match in both would outrank a good one."""
MOST: Final = 20
LONGEST_QUERY: Final = 2000


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage found, with all that is needed to cite it: ``text`` is the document's from ``start`` to ``end``.

    ``score`` is the fused one; ``word_place`` and ``vector_place`` are its places in the two rankings (from 1; None
    where it is in none of their first), ``word_score`` and ``similarity`` what these were ranked by.
    """

    chunk_id: UUID
    document_id: UUID
    collection_id: UUID
    title: str
    source: str
    trust: str
    heading_path: list[str]
    start: int
    end: int
    text: str
    score: float
    word_place: int | None
    word_score: float | None
    vector_place: int | None
    similarity: float | None


# Words are joined by "or" where the query has no "not": a question's every word is hardly ever in one passage. What a
# word is worth is its rarity, ln(1 + (N - n + 0.5) / (n + 0.5)) for n of N passages (Robertson and Sparck Jones, as in
# BM25): PostgreSQL's own ranks do not know which words are rare. Passages have about one length, so none is divided by.
STATEMENT = """
WITH asked AS (
    SELECT * FROM unnest(%s::text[], %s::text[]::vector[]) AS a (model, vector)
), used AS (
    SELECT * FROM unnest(%s::uuid[], %s::text[]) AS u (collection_id, model)
), exact AS (
    SELECT websearch_to_tsquery(q.config, q.words) AS terms,
           tsvector_to_array(to_tsvector(q.config, q.words)) AS lexemes
    FROM (SELECT %s::regconfig AS config, %s AS words) q
), loose AS (
    SELECT CASE WHEN terms::text LIKE '%%!%%' THEN terms ELSE replace(terms::text, ' & ', ' | ')::tsquery END AS terms,
           lexemes
    FROM exact
), readable AS NOT MATERIALIZED (
    SELECT c.id, c.words, d.collection_id
    FROM memory_chunk c JOIN memory_document d ON d.id = c.document_id AND d.workspace_id = c.workspace_id
    WHERE d.collection_id IN ({collections})
      AND d.status IN ('ready')
      AND (d.valid_from IS NULL OR d.valid_from <= statement_timestamp())
      AND (d.valid_until IS NULL OR d.valid_until > statement_timestamp())
), matching AS (
    SELECT r.id, w.lexeme, count(*) OVER (PARTITION BY w.lexeme) AS passages
    FROM readable r, loose, unnest(r.words) AS w
    WHERE r.words @@ loose.terms AND w.lexeme = ANY (loose.lexemes)
), by_words AS (
    SELECT id, score, row_number() OVER (ORDER BY score DESC, id) AS place
    FROM (
        SELECT m.id, sum(ln(1 + (n.passages - m.passages + 0.5) / (m.passages + 0.5)))::float8 AS score
        FROM matching m, (SELECT {size} AS passages) n GROUP BY m.id
    ) f
    ORDER BY place LIMIT %s
), by_vector AS (
    SELECT id, 1 - distance AS similarity, row_number() OVER (PARTITION BY model ORDER BY distance, id) AS place
    FROM ({nearest}) f
    ORDER BY place, id LIMIT %s
), fused AS (
    SELECT id, w.place AS word_place, w.score AS word_score, v.place AS vector_place, v.similarity,
           coalesce(1.0 / (60 + w.place), 0) + coalesce(1.0 / (60 + v.place), 0) AS score
    FROM by_words w FULL JOIN by_vector v USING (id)
    ORDER BY score DESC, id LIMIT %s
)
SELECT c.id, d.id, d.collection_id, d.title, d.source, d.trust, c.heading, c.start, c."end", c.text,
       f.score, f.word_place, f.word_score, f.vector_place, f.similarity
FROM fused f JOIN memory_chunk c ON c.id = f.id JOIN memory_document d ON d.id = c.document_id
ORDER BY f.score DESC, c.id
"""

COUNT = "(SELECT count(*) FROM readable)"
EVERY = """
        SELECT r.id, v.model, v.embedding <=> a.vector AS distance
        FROM readable r JOIN used u USING (collection_id) JOIN asked a ON a.model = u.model
        JOIN memory_chunkvector v ON v.chunk_id = r.id AND v.model = u.model WHERE v.embedding IS NOT NULL
"""
"""Compares with every readable passage."""
WALK = """
        (SELECT r.id, v.model, v.embedding <=> %s::vector AS distance
        FROM memory_chunkvector v JOIN readable r ON r.id = v.chunk_id
        JOIN used u ON u.collection_id = r.collection_id AND u.model = v.model
        WHERE v.model = %s AND v.embedding IS NOT NULL
        ORDER BY v.embedding <=> %s::vector LIMIT %s)
"""
"""Walks the index of one model until enough readable passages are found."""
HOW_TO_WALK = """
SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '200', true),
       set_config('hnsw.max_scan_tuples', '100000', true), set_config('enable_sort', 'off', true)
"""
"""The planner thinks that rights leave few passages, and would fetch and sort all: without sorting it walks."""
SIZE = """
SELECT count(*) FROM memory_chunk c JOIN memory_document d ON d.id = c.document_id AND d.workspace_id = c.workspace_id
WHERE d.collection_id IN ({collections}) AND d.status IN ('ready')
  AND (d.valid_from IS NULL OR d.valid_from <= statement_timestamp())
  AND (d.valid_until IS NULL OR d.valid_until > statement_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Used:
    """The model of one collection, the width of its vectors, and whether there is an index over them."""

    model: str
    dimension: int
    indexed: bool


@traced_search
def search(
    collections: "QuerySet[Collection]", query: str, *, limit: int = 5, words: bool = True, vectors: bool = True
) -> list[Passage]:
    """Return the best passages of ``collections`` for ``query``, best first: what is ready and holds now.

    ``collections`` is what the asker may read; it becomes a part of the statement. ``words`` and ``vectors`` leave one
    of the rankings out. Raise :class:`~memory.errors.EmbeddingUnavailable` where a collection's model is not here.
    """
    asked = sanitise(query)[:LONGEST_QUERY]
    used = _models(collections) if vectors else {}
    known = _embedded(used, asked)
    allowed, names = _compiled(collections.order_by().values("id").query)
    size = _size(allowed, names) if any(one.indexed for one in used.values()) else None
    walked = _walked(used, known, size)
    every = {model: vector for model, vector in known.items() if model not in walked}
    mine = [one.model for one in used.values()]
    values: list[Any] = [list(every), list(every.values()), list(used), mine, LANGUAGE]
    values += [asked if words else "", *names, DEPTH]
    for model, vector in walked.items():
        values += [vector, model, vector, DEPTH]
    nearest = " UNION ALL ".join([EVERY, *[WALK] * len(walked)])
    statement = STATEMENT.format(collections=allowed, nearest=nearest, size=COUNT if size is None else size)
    with transaction.atomic() if walked else nullcontext(), connection.cursor() as cursor:
        if walked:
            cursor.execute(HOW_TO_WALK)
        cursor.execute(statement, [*values, DEPTH, max(1, min(limit, MOST))])
        return [_passage(row) for row in cursor.fetchall()]


def _models(collections: "QuerySet[Collection]") -> dict[UUID, Used]:
    """Return the model of each collection. The statement keeps to them, also where one is swapped meanwhile."""
    rows = collections.order_by("model", "id").annotate(indexed=RawSQL(INDEXED, [], BooleanField()))  # noqa: S611 - ours
    return {key: Used(*told) for key, *told in rows.values_list("id", "model", "dimension", "indexed")}


def _embedded(used: dict[UUID, Used], query: str) -> dict[str, str]:
    """Return the query's vector by each model, as PostgreSQL writes it; none where the query has no words."""
    widths = {one.model: one.dimension for one in used.values()}
    found = {model: vectors_of([query], model=model, dimension=width)[0] for model, width in widths.items()}
    return {model: str(vector) for model, vector in found.items() if vector is not None}


def _size(allowed: str, names: tuple[Any, ...]) -> int:
    """Return how many passages may be read now; which way is right depends on it."""
    with connection.cursor() as cursor:
        cursor.execute(SIZE.format(collections=allowed), names)
        return int(cursor.fetchone()[0])


def _walked(used: dict[UUID, Used], known: dict[str, str], size: int | None) -> dict[str, str]:
    """Return the vectors of the models whose index is walked: none up to the size where comparing with all is right."""
    if size is None or size <= settings.KNOWLEDGE_EXACT_PASSAGES:
        return {}
    indexed = {one.model for one in used.values() if one.indexed}
    return {model: vector for model, vector in known.items() if model in indexed}


def _compiled(query: Query) -> tuple[str, tuple[Any, ...]]:
    return query.sql_with_params()


def _passage(row: tuple[Any, ...]) -> Passage:
    values = list(row)
    values[6] = row[6].split("\n") if row[6] else []
    values[10] = float(row[10])
    return Passage(*values)
