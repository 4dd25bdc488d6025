"""The worker's part of embedding collections anew: a batch at a time, each committed before the next is asked for.

No database connection is held while a model is asked. A worker that dies loses its lease, and another one goes on with
the first passage that has no new vector.
"""

from collections.abc import Callable
from typing import Final

from memory.embedding_endpoint import BATCH
from memory.embeddings import vectors_of
from memory.errors import EmbeddingUnavailable
from memory.models import Reembedding
from memory.operations.reembedding import (
    claim_reembedding,
    forget_old_vectors,
    next_batch,
    release_reembedding,
    stop_reembedding,
    store_batch,
    swap_reembedding,
)
from workspaces.errors import StaleState
from workspaces.failpoints import Failpoint, reached

WAY_ON: Final = "What is embedded stays: begin it again once that is mended, choose another model, or cancel it."


def reembed(stopping: Callable[[], bool] = lambda: False) -> bool:
    """Work on one re-embedding until it is complete, stopped, or lost to another worker; say whether there was one."""
    claimed = claim_reembedding()
    if claimed is None:
        return forget_old_vectors() > 0
    while not stopping():
        try:
            if not _batch(claimed):
                break
        except EmbeddingUnavailable as error:
            _stopped(claimed, f"{error.message} {error.hint} {WAY_ON}")
            break
    else:
        release_reembedding(claimed)
    return True


def _batch(claimed: Reembedding) -> bool:
    """Embed one batch, or swap where none is left; say whether to go on."""
    chunks = next_batch(claimed, BATCH)
    if not chunks:
        return not swap_reembedding(claimed)
    texts = [f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text for chunk in chunks]
    vectors = vectors_of(texts, model=claimed.model, dimension=claimed.collection.dimension)
    reached(Failpoint.BATCH_EMBEDDED)
    held = store_batch(claimed, chunks, vectors)
    reached(Failpoint.BATCH_STORED)
    return held


def _stopped(claimed: Reembedding, why: str) -> None:
    try:
        stop_reembedding(claimed, why)
    except StaleState:
        return  # it was cancelled, or another worker has it
