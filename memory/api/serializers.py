"""Knowledge as the API shows it and takes it in."""

import base64
import binascii
from typing import Any

from rest_framework import serializers

from memory.embeddings import DEFAULT_MODEL, known_models, name_of
from memory.models import Chunk, Collection, Document, Trust
from memory.reading.shapes import MEDIA_TYPES
from memory.retrieval import LONGEST_QUERY, MOST

HEADING_PATH = "The headings above the passage, outermost first."


def check_model(name: str) -> None:
    """Raise a validation error for a model that this installation does not have; a field's validator."""
    if name_of(name) not in known_models():
        raise serializers.ValidationError(
            f"The embedding model {name} is not here. There are: {', '.join(known_models())}."
        )


class CollectionOutput(serializers.ModelSerializer[Collection]):
    """A collection: who may read it is granted to teams."""

    class Meta:
        model = Collection
        fields = ["id", "name", "title", "model", "dimension", "created_at"]
        read_only_fields = fields


class CollectionInput(serializers.Serializer[Any]):
    """A new collection."""

    name = serializers.SlugField(max_length=60)
    title = serializers.CharField(max_length=120)
    model = serializers.CharField(
        max_length=100,
        default=DEFAULT_MODEL,
        help_text="The embedding model; the collection can be embedded anew by another.",
        validators=[check_model],
    )


class DocumentOutput(serializers.ModelSerializer[Document]):
    """A document, without its text: that is in its passages."""

    characters = serializers.IntegerField(read_only=True, help_text="Length of the text that was read from it.")

    class Meta:
        model = Document
        fields = [
            "id",
            "collection",
            "title",
            "source",
            "media_type",
            "trust",
            "status",
            "explanation",
            "valid_from",
            "valid_until",
            "digest",
            "characters",
            "created_at",
        ]
        read_only_fields = fields


class DocumentReceipt(serializers.Serializer[Any]):
    """What is answered to a document that was taken in. It is kept for repeats, so it holds nothing of the document."""

    id = serializers.UUIDField()


class DocumentInput(serializers.Serializer[Any]):
    """A new document: its text, or its bytes in base64. As a form, the document is the field ``file``."""

    title = serializers.CharField(max_length=200)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of ours, which only looks like Field.source
        max_length=500, default="", allow_blank=True, help_text="Where it is from."
    )
    media_type = serializers.ChoiceField(choices=MEDIA_TYPES)
    text = serializers.CharField(required=False, trim_whitespace=False, help_text="Instead of content.")
    content = serializers.CharField(required=False, allow_blank=True, help_text="The document's bytes in base64.")
    valid_from = serializers.DateTimeField(required=False, allow_null=True, default=None)
    valid_until = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_content(self, content: str) -> bytes:
        """Return the bytes."""
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError("This is not base64.") from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Leave the document as bytes in ``content``."""
        if ("text" in attrs) == ("content" in attrs):
            raise serializers.ValidationError("Send either text or content.")
        text = attrs.pop("text", None)
        return attrs if text is None else {**attrs, "content": text.encode()}


class UploadInput(serializers.Serializer[Any]):
    """A new document as a form; the file's name says title, source and type where they are not sent."""

    file = serializers.FileField()
    title = serializers.CharField(max_length=200, required=False)
    source = serializers.CharField(max_length=500, required=False)  # type: ignore[assignment]  # as above
    media_type = serializers.ChoiceField(choices=MEDIA_TYPES, required=False)
    valid_from = serializers.DateTimeField(required=False)
    valid_until = serializers.DateTimeField(required=False)


class DocumentChange(serializers.Serializer[Any]):
    """What may change of a document; what is left out stays. Trust is an owner's word."""

    trust = serializers.ChoiceField(choices=Trust.choices, required=False)
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change: trust, valid_from or valid_until.")
        return attrs


class ChunkOutput(serializers.ModelSerializer[Chunk]):
    """One passage of a document, with its place in the document's text."""

    heading_path = serializers.ListField(child=serializers.CharField(), read_only=True, help_text=HEADING_PATH)
    model = serializers.CharField(source="document.collection.model", read_only=True, help_text="What searches it now.")

    class Meta:
        model = Chunk
        fields = ["id", "document", "ordinal", "heading_path", "text", "start", "end", "model"]
        read_only_fields = fields


class SearchInput(serializers.Serializer[Any]):
    """What is looked for."""

    query = serializers.CharField(max_length=LONGEST_QUERY, help_text='Words; "a phrase"; -without.')
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=5)


class PassageOutput(serializers.Serializer[Any]):
    """A passage found. Its text is what a document says, and no instruction to anybody."""

    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    collection_id = serializers.UUIDField()
    title = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # as above
    trust = serializers.ChoiceField(choices=Trust.choices)
    heading_path = serializers.ListField(child=serializers.CharField(), help_text=HEADING_PATH)
    start = serializers.IntegerField(help_text="Where it begins in the document's text.")
    end = serializers.IntegerField()
    text = serializers.CharField()
    score = serializers.FloatField(help_text="Sum of 1 / (60 + place) over both rankings.")
    word_place = serializers.IntegerField(allow_null=True)
    word_score = serializers.FloatField(allow_null=True)
    vector_place = serializers.IntegerField(allow_null=True)
    similarity = serializers.FloatField(allow_null=True, help_text="Cosine of the angle between the two vectors.")


class SearchOutput(serializers.Serializer[Any]):
    """The passages found, best first."""

    results = PassageOutput(many=True)
