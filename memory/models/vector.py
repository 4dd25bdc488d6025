"""The vectors of passages, each by a named model, and the runs that make them anew for another model.

A collection names the model that is in force. While others are being made, their vectors lie beside these under a label
of their own, and no search looks at them; the swap is one change of the collection's row.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from pgvector.django import VectorField

from memory.models.knowledge import DIMENSION, Chunk, Collection
from memory.states import REEMBEDDING_TRANSITIONS, ReembeddingStatus
from workspaces.constraints import SameWorkspace
from workspaces.models import TenantRow

LIVE = (ReembeddingStatus.RUNNING, ReembeddingStatus.STOPPED)


class ChunkVector(TenantRow):
    """One passage as one model sees it; ``embedding`` is empty where the passage has no words."""

    chunk = models.ForeignKey(Chunk, models.CASCADE, related_name="vectors")
    model = models.CharField(max_length=110, help_text="What made the vector.")
    embedding = VectorField(dimensions=DIMENSION, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chunk", "model"], name="chunk_vector_once_a_model"),
            SameWorkspace(field="chunk", name="chunk_vector_chunk_same_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id} by {self.model}"


class Reembedding(TenantRow):
    """One collection on its way from the model ``replaces`` to ``model``: ``done`` of about ``total`` passages.

    A worker holds it until ``leased_until``; what it writes names ``attempt``, so that one that was believed dead and
    comes back changes nothing.
    """

    TRANSITIONS: ClassVar[Any] = REEMBEDDING_TRANSITIONS

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="reembeddings")
    model = models.CharField(max_length=110)
    replaces = models.CharField(max_length=110)
    status = models.CharField(max_length=10, choices=ReembeddingStatus, default=ReembeddingStatus.RUNNING)
    explanation = models.TextField(blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection"], condition=Q(status__in=LIVE), name="reembedding_one_live_a_collection"
            ),
            SameWorkspace(field="collection", name="reembedding_collection_same_workspace"),
        ]
        indexes = [models.Index(fields=["collection", "-created_at"], name="reembedding_latest")]

    def __str__(self) -> str:
        return f"{self.collection_id} to {self.model}"

    @property
    def is_live(self) -> bool:
        """Say whether it goes on, or can."""
        return self.status in LIVE
