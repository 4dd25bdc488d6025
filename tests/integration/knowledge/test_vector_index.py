"""Searching by an approximate index above the threshold: it is found to the end, under filters too, and never stale."""

import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memory import retrieval
from memory.embeddings import vectors_of
from memory.models import Chunk, ChunkVector, Collection, Document
from memory.operations.knowledge import vector_rows
from memory.retrieval import search
from memory.vector_index import existing_indexes, index_name
from tests.integration.knowledge.conftest import collection, document

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "wordllama-l2-256"
CROWD = 400


def titled(where, query="a refund takes a week", **more):
    found = search(Collection.objects.filter(pk=where.pk), query, words=False, limit=20, **more)
    return [(passage.chunk_id, round(passage.similarity, 5)) for passage in found]


def index_vectors():
    said = StringIO()
    call_command("index_vectors", stdout=said)
    return said.getvalue()


def crowd(where, likeness):
    """Put many passages into a collection, all of them nearly about the same."""
    made = Document.objects.create(
        workspace_id=where.workspace_id, collection=where, title="Crowd", digest="0" * 64, status="ready", text=""
    )
    chunks = Chunk.objects.bulk_create(
        Chunk(workspace_id=where.workspace_id, document=made, ordinal=n, text="refund", start=0, end=6)
        for n in range(CROWD)
    )
    chance = random.Random(7)
    near = [[value + chance.gauss(0, 0.03) for value in likeness] for _ in range(CROWD)]
    ChunkVector.objects.bulk_create(vector_rows(chunks, near, MODEL))


@pytest.fixture
def shelves(cast, settings):
    """Our few passages, and a crowd of somebody else's that is nearer to every query about refunds."""
    settings.KNOWLEDGE_EXACT_PASSAGES = 3
    ours, theirs = collection(cast, "ours"), collection(cast, "theirs", workspace=cast.elsewhere)
    document(ours, b"\n".join(b"## Part %d\n\nParcels to place %d.\n" % (n, n) for n in range(8)), title="Ours")
    crowd(theirs, vectors_of(["a refund takes a week"], model=MODEL, dimension=256)[0])
    return ours, theirs


@pytest.fixture
def walking():
    """Leave the planner of this session no way but the index, as it has none among very many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_sort; RESET enable_seqscan; RESET enable_bitmapscan")


def test_the_walk_goes_on_until_enough_is_found_and_would_not_by_itself(shelves, walking, monkeypatch):
    ours, _ = shelves
    exact = titled(ours)
    assert len(exact) == 8
    assert "Built" in index_vectors()
    assert titled(ours) == exact
    monkeypatch.setattr(retrieval, "HOW_TO_WALK", "SELECT set_config('hnsw.iterative_scan', 'off', true)")
    assert len(titled(ours)) < 8  # what pgvector does when it is not told


def test_up_to_the_threshold_and_without_an_index_all_are_compared(shelves, settings):
    ours, theirs = shelves

    def walks(where):
        with CaptureQueriesContext(connection) as captured:
            titled(where)
        return any("iterative_scan" in query["sql"] for query in captured)

    assert not walks(theirs)
    index_vectors()
    assert walks(theirs)
    settings.KNOWLEDGE_EXACT_PASSAGES = 8
    assert not walks(ours)
    assert walks(theirs)


def test_the_words_count_the_same_with_an_index(shelves):
    ours, _ = shelves
    mine = Collection.objects.filter(pk=ours.pk)
    before = search(mine, "parcels to place 3", limit=20)
    index_vectors()
    assert search(mine, "parcels to place 3", limit=20) == before


def test_indexes_are_built_once_and_dropped_where_they_are_not_worth_it(shelves, settings):
    index_vectors()
    assert existing_indexes() == {index_name(MODEL): True}
    assert "Built" not in index_vectors()
    Collection.objects.update(model=f"{MODEL}#2")
    assert "Dropped" in index_vectors()
    Collection.objects.update(model=MODEL)
    index_vectors()
    settings.KNOWLEDGE_EXACT_PASSAGES = 10_000
    assert "Dropped" in index_vectors()
    assert existing_indexes() == {}


@pytest.fixture(autouse=True)
def no_index_left():
    """Indexes are no rows: nothing takes them back after a test."""
    yield
    for name in existing_indexes():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {name}")
