"""One approximate index (HNSW) a model, over that model's vectors alone: two models are never mixed in one graph.

Up to ``KNOWLEDGE_EXACT_PASSAGES`` readable passages a search compares with all of them, which is exact and quick
enough; above, it walks the index where there is one. pgvector's walk stops early under a filter unless it is told to
go on, so a search sets ``hnsw.iterative_scan``; else it would silently return too few.
"""

import hashlib
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Count

from memory.models import ChunkVector, Collection

PREFIX: Final = "chunk_vector_hnsw_"
INDEXED: Final = """
SELECT EXISTS (
    SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relname = 'chunk_vector_hnsw_' || left(md5("memory_collection"."model"), 16) AND i.indisvalid
)
"""
"""Whether the model of a collection's row has its index: a part of a statement over collections."""
EXISTING: Final = """
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'memory_chunkvector'::regclass AND starts_with(c.relname, %s)
"""


def index_name(model: str) -> str:
    """Return the name of the index over a model's vectors."""
    return PREFIX + hashlib.md5(model.encode(), usedforsecurity=False).hexdigest()[:16]


def wanted_indexes() -> dict[str, str]:
    """Return the models in force that have so many vectors that an index is worth its upkeep, by its name."""
    in_force = Collection.objects.values("model")
    counted = ChunkVector.objects.filter(model__in=in_force, embedding__isnull=False).values_list("model")
    large = counted.annotate(count=Count("id")).filter(count__gt=settings.KNOWLEDGE_EXACT_PASSAGES)
    return {index_name(model): model for model, _ in large}


def existing_indexes() -> dict[str, bool]:
    """Return the indexes that are there, and whether each was built to the end."""
    with connection.cursor() as cursor:
        cursor.execute(EXISTING, [PREFIX])
        return dict(cursor.fetchall())


def drop_index(name: str) -> None:
    """Drop an index without keeping anybody from searching; not within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {connection.ops.quote_name(name)}")


def build_index(model: str) -> None:
    """Build the index over a model's vectors without keeping anybody from writing; not within a transaction."""
    name = connection.ops.quote_name(index_name(model))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON memory_chunkvector "
            "USING hnsw (embedding vector_cosine_ops) WHERE model = %s AND embedding IS NOT NULL",
            [model],
        )
        cursor.execute("ANALYZE memory_chunkvector")
