"""What a document of a knowledge collection, its re-embedding and a fact can be, and how they may move."""

from typing import Final

from django.db.models import TextChoices


class DocumentStatus(TextChoices):
    QUEUED = "queued", "Queued"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


DOCUMENT_TRANSITIONS: Final = {
    DocumentStatus.QUEUED: frozenset({DocumentStatus.READY, DocumentStatus.FAILED}),
    DocumentStatus.FAILED: frozenset({DocumentStatus.READY}),
}


class ReembeddingStatus(TextChoices):
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    COMPLETE = "complete", "Complete"
    CANCELLED = "cancelled", "Cancelled"


REEMBEDDING_TRANSITIONS: Final = {
    ReembeddingStatus.RUNNING: frozenset(
        {ReembeddingStatus.STOPPED, ReembeddingStatus.COMPLETE, ReembeddingStatus.CANCELLED}
    ),
    ReembeddingStatus.STOPPED: frozenset({ReembeddingStatus.RUNNING, ReembeddingStatus.CANCELLED}),
}


class FactStatus(TextChoices):
    VALID = "valid", "Valid"
    CLOSED = "closed", "Closed by a later claim"
    ENDED = "ended", "No longer true"


FACT_TRANSITIONS: Final = {
    FactStatus.VALID: frozenset({FactStatus.CLOSED, FactStatus.ENDED}),
}
"""A forgotten fact has no row."""
