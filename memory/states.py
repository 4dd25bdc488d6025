"""What a document of a knowledge collection can be, and how it may move."""

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
