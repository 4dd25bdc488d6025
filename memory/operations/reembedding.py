"""Embedding a collection anew by another model: beginning, resuming and cancelling it, its batches, and the swap.

Until the swap the collection is searched by the vectors that it has, whole; the new ones lie beside them under a label
of their own. A document that comes meanwhile is indexed by the model in force, and embedded anew like all others.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from memory.embeddings import Vector, dimension_of, name_of
from memory.errors import EmbeddingUnavailable
from memory.models import Chunk, ChunkVector, Collection, Reembedding
from memory.models.knowledge import DIMENSION
from memory.models.vector import LIVE
from memory.operations.knowledge import vector_rows
from memory.states import ReembeddingStatus
from workspaces.actors import Actor, System
from workspaces.database import ClockTimestamp
from workspaces.errors import NotFound, StaleState
from workspaces.operations.authority import note, require_owner
from workspaces.transitions import transition

BY: Final = System("librarian")
MARGIN_SECONDS: Final = 40
"""How long a lease outlives the time that one batch may take."""
A_MINUTE: Final = timedelta(minutes=1)
LEFTOVERS: Final = 5000
"""Old vectors that are deleted at once."""
CLAIM = """
UPDATE memory_reembedding SET attempt = attempt + 1, leased_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = (
    SELECT id FROM memory_reembedding
    WHERE status = 'running' AND (leased_until IS NULL OR leased_until <= clock_timestamp())
    ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def begin_reembedding(*, collection: Collection, model: str, by: Actor) -> Reembedding:
    """Let a collection be embedded anew by ``model`` in the background; an owner's word, since its texts go there.

    One that stopped on the way to this model goes on where it stood; one on the way to another is cancelled. Raise
    ``StaleState`` while this very one is under way, ``EmbeddingUnavailable`` for a model that cannot serve.
    """
    require_owner(by, collection.workspace, "have collections embedded anew")
    width = dimension_of(model)
    if width != DIMENSION:
        message = f"The embedding model {model} gives vectors of {width} numbers; {DIMENSION} are stored."
        raise EmbeddingUnavailable(message, f"Choose a model that gives {DIMENSION}.")
    with transaction.atomic():
        held = _locked(collection)
        live = held.reembeddings.filter(status__in=LIVE).first()
        if live is not None and name_of(live.model) == name_of(model):
            return _resumed(live, by)
        if live is not None:
            transition(live, ReembeddingStatus.CANCELLED, by=by, finished_at=ClockTimestamp())
        made = Reembedding.objects.create(
            workspace_id=held.workspace_id,
            collection=held,
            model=_label(held, model),
            replaces=held.model,
            total=_passages(held).count(),
        )
        note(held.workspace_id, by, "reembedding.begun", ("reembedding", made.id), **_about(made))
    return made


def cancel_reembedding(*, collection: Collection, by: Actor) -> Reembedding:
    """Keep the model in force; the new vectors are deleted in the background. Raise ``NotFound`` where none goes on."""
    require_owner(by, collection.workspace, "have collections embedded anew")
    with transaction.atomic():
        live = _locked(collection).reembeddings.filter(status__in=LIVE).first()
        if live is None:
            raise NotFound("This collection is not being embedded anew.", "It may be complete: look at its model.")
        transition(live, ReembeddingStatus.CANCELLED, by=by, finished_at=ClockTimestamp())
    return live


def _resumed(live: Reembedding, by: Actor) -> Reembedding:
    if live.status == ReembeddingStatus.RUNNING:
        raise StaleState("This collection is being embedded anew by this model already.", "Look at its progress.")
    transition(live, ReembeddingStatus.RUNNING, by=by, explanation="", leased_until=None)
    return live


def _label(collection: Collection, model: str) -> str:
    """Return a label that no vector of the collection had before: the model's name, numbered from the second on."""
    used = {collection.model}
    for made, replaced in collection.reembeddings.values_list("model", "replaces"):
        used |= {made, replaced}
    before = sum(1 for label in used if name_of(label) == name_of(model))
    return f"{name_of(model)}#{before + 1}" if before else model


def claim_reembedding() -> Reembedding | None:
    """Claim the one that waited longest for a worker, and count it anew; None where none is due."""
    lease = settings.EMBEDDINGS_SECONDS + MARGIN_SECONDS
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, [lease])
        row = cursor.fetchone()
    if row is None:
        return None
    found = Reembedding.objects.select_related("collection").get(pk=row[0])
    passages = _passages(found.collection)
    found.total, found.done = passages.count(), passages.count() - _lacking(found).count()
    _mine(found).update(total=found.total, done=found.done)
    return found


def next_batch(claimed: Reembedding, size: int) -> list[Chunk]:
    """Return passages that have no new vector yet; none where all have one."""
    return list(_lacking(claimed).defer("words").order_by("id")[:size])


def store_batch(claimed: Reembedding, chunks: Sequence[Chunk], vectors: Sequence[Vector | None]) -> bool:
    """Store the new vectors of those passages that are still there; say whether the claim still holds."""
    lease = settings.EMBEDDINGS_SECONDS + MARGIN_SECONDS
    with transaction.atomic():
        held = Reembedding.objects.select_for_update(no_key=True).filter(_claim(claimed)).first()
        if held is None:
            return False
        ids = [chunk.id for chunk in chunks]
        there = set(Chunk.objects.select_for_update(no_key=True).filter(pk__in=ids).values_list("id", flat=True))
        kept = [(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True) if chunk.id in there]
        rows = vector_rows([chunk for chunk, _ in kept], [vector for _, vector in kept], claimed.model)
        ChunkVector.objects.bulk_create(rows, ignore_conflicts=True)
        held.done = min(held.done + len(rows), held.total)
        held.save(update_fields=["done"])
        with connection.cursor() as cursor:
            renew = "UPDATE memory_reembedding SET leased_until = clock_timestamp() + make_interval(secs => %s) "
            cursor.execute(renew + "WHERE id = %s", [lease, held.pk])
    return True


def stop_reembedding(claimed: Reembedding, why: str) -> None:
    """Stop with a sentence; what has been embedded stays, and it can be begun again."""
    transition(claimed, ReembeddingStatus.STOPPED, by=BY, where=_claim(claimed), explanation=why, leased_until=None)


def swap_reembedding(claimed: Reembedding) -> bool:
    """Put the new model in force if every passage has its new vector; say whether nothing is left to do.

    No document can be indexed meanwhile: that takes the collection's row too.
    """
    with transaction.atomic():
        held = _locked(claimed.collection)
        if not Reembedding.objects.filter(_claim(claimed)).exists():
            return True
        if _lacking(claimed).exists():
            return False
        Collection.objects.filter(pk=held.pk).update(model=claimed.model)
        over = {"finished_at": ClockTimestamp(), "done": claimed.total, "leased_until": None}
        transition(claimed, ReembeddingStatus.COMPLETE, by=BY, where=_claim(claimed), body=_about(claimed), **over)
    return True


def release_reembedding(claimed: Reembedding) -> None:
    """Let another worker go on at once: this one has been told to end."""
    _mine(claimed).update(leased_until=None)


def forget_old_vectors() -> int:
    """Delete vectors that no search looks at any more, some at a time; return how many.

    What was swapped out stays for a minute, for searches that had begun with it.
    """
    over = Reembedding.objects.filter(finished_at__isnull=False).exclude(status__in=LIVE)
    for collection_id in over.values_list("collection_id", flat=True).distinct():
        with transaction.atomic():
            held = Collection.objects.select_for_update(no_key=True).get(pk=collection_id)
            kept = {held.model, *held.reembeddings.filter(status__in=LIVE).values_list("model", flat=True)}
            recent = held.reembeddings.filter(finished_at__gt=ClockTimestamp() - A_MINUTE)
            kept |= set(recent.values_list("replaces", flat=True))
            old = ChunkVector.objects.filter(chunk__document__collection=held).exclude(model__in=kept)
            count, _ = ChunkVector.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:LEFTOVERS])).delete()
        if count:
            return count
    return 0


def _locked(collection: Collection) -> Collection:
    rows = Collection.objects.select_related("workspace").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=collection.pk)


def _claim(claimed: Reembedding) -> Q:
    return Q(pk=claimed.pk, attempt=claimed.attempt, status=ReembeddingStatus.RUNNING)


def _mine(claimed: Reembedding) -> QuerySet[Reembedding]:
    return Reembedding.objects.filter(_claim(claimed))


def _passages(collection: Collection) -> QuerySet[Chunk]:
    return Chunk.objects.filter(document__collection=collection)


def _lacking(claimed: Reembedding) -> QuerySet[Chunk]:
    made = ChunkVector.objects.filter(chunk=OuterRef("pk"), model=claimed.model)
    return _passages(claimed.collection).filter(~Exists(made))


def _about(one: Reembedding) -> dict[str, str]:
    return {"collection": str(one.collection_id), "model": one.model, "replaces": one.replaces}
