"""Knowledge: collections of documents, cut into the passages that are searched and cited.

A collection names the embedding model that is in force, and every vector names the model that made it, so that vectors
of two models are never compared. Apart from conversations and from facts about people.
"""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, GeneratedField, Q
from guardian.models import GroupObjectPermissionBase

from memory.models.session import Trust
from memory.states import DOCUMENT_TRANSITIONS, DocumentStatus
from workspaces.access import granted
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow, User
from workspaces.triggers import grant_within_workspace

DIMENSION = 256
"""The width of the column; a model of another width needs another column, and is refused."""
LANGUAGE = "english"
"""The text search configuration by which words are brought to their stems."""


class CollectionQuerySet(models.QuerySet["Collection"]):
    def readable_by(self, user: User) -> "CollectionQuerySet":
        """Return the collections that ``user`` may search and read."""
        return self.filter(granted(user, CollectionGrant, ["view_collection", "manage_collection"]))

    def manageable_by(self, user: User) -> "CollectionQuerySet":
        """Return the collections whose documents ``user`` may add, date and forget."""
        return self.filter(granted(user, CollectionGrant, ["manage_collection"]))


class Collection(TenantRow):
    """Documents that are read by the same people and searched with the same embedding model."""

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    model = models.CharField(max_length=110, help_text="The embedding model that is in force.")
    dimension = models.PositiveSmallIntegerField(default=DIMENSION)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        permissions = [("manage_collection", "Can add, date and forget documents of this collection")]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="collection_name_once"),
            models.CheckConstraint(condition=Q(dimension=DIMENSION), name="collection_dimension_of_the_column"),
            tenant_key("collection"),
        ]

    def __str__(self) -> str:
        return self.title


class CollectionGrant(GroupObjectPermissionBase):
    """A team's right on one collection."""

    content_object = models.ForeignKey(Collection, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        triggers = [grant_within_workspace("memory_collection")]


class Document(TenantRow):
    """One document: the text that was read from it, where it came from, how far it is trusted, and when it holds."""

    TRANSITIONS: ClassVar[Any] = DOCUMENT_TRANSITIONS

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="documents")
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=500, blank=True, help_text="Where it is from: an address, a file's name.")
    media_type = models.CharField(max_length=100)
    trust = models.CharField(max_length=10, choices=Trust, default=Trust.UNTRUSTED)
    status = models.CharField(max_length=10, choices=DocumentStatus, default=DocumentStatus.QUEUED)
    explanation = models.TextField(blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent.")
    text = models.TextField()
    headings = models.JSONField(default=list, help_text="[start, end, level, title] of each, offsets in the text.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "digest"], name="document_once_a_collection"),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                name="document_valid_forwards",
                violation_error_message="The document would end to hold before it begins.",
            ),
            tenant_key("document"),
            SameWorkspace(field="collection", name="document_collection_same_workspace"),
        ]

    def __str__(self) -> str:
        return self.title


class Chunk(TenantRow):
    """One passage: ``text`` is the document's text from ``start`` to ``end``, below the headings in ``heading``."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    heading = models.TextField(blank=True, help_text="The headings above it, a line each.")
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    words = GeneratedField(
        expression=SearchVector("heading", weight="A", config=LANGUAGE)
        + SearchVector("text", weight="B", config=LANGUAGE),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "ordinal"], name="chunk_once"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="chunk_not_empty"),
            tenant_key("chunk"),
            SameWorkspace(field="document", name="chunk_document_same_workspace"),
        ]
        indexes = [GinIndex(fields=["words"], name="chunk_words")]

    def __str__(self) -> str:
        return f"{self.document_id} {self.ordinal}"

    @property
    def heading_path(self) -> list[str]:
        """The headings above the passage, outermost first."""
        return self.heading.split("\n") if self.heading else []
