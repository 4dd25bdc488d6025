"""What a document of a knowledge collection and a fact can be, and how they may move."""

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


class FactStatus(TextChoices):
    VALID = "valid", "Valid"
    CLOSED = "closed", "Closed by a later claim"
    ENDED = "ended", "No longer true"


FACT_TRANSITIONS: Final = {
    FactStatus.VALID: frozenset({FactStatus.CLOSED, FactStatus.ENDED}),
}
"""A forgotten fact has no row."""
