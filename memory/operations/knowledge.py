"""Knowledge: making collections, taking documents in, dating, trusting and forgetting them.

Events name ids and numbers only, never a title or a digest: what is forgotten must not be guessed from the ledger.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from memory.chunking import Piece, pieces_of
from memory.embeddings import DEFAULT_MODEL, Vector, dimension_of, vectors_of
from memory.errors import EmbeddingUnavailable, UnreadableDocument
from memory.models import Chunk, ChunkVector, Collection, Document, Trust
from memory.models.knowledge import DIMENSION
from memory.reading.documents import read_document
from memory.reading.shapes import MEDIA_TYPES, Heading, Limits, Reading, Unreadable
from memory.states import DocumentStatus
from workspaces.actors import Actor, System
from workspaces.database import release_connection
from workspaces.errors import Forbidden, InvalidInput, StaleState, TooLarge
from workspaces.models import Workspace
from workspaces.operations.authority import named, note, require_owner
from workspaces.transitions import transition


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that has been read and is not stored yet."""

    media_type: str
    digest: str
    reading: Reading


def create_collection(
    *, workspace: Workspace, name: str, title: str, by: Actor, model: str = DEFAULT_MODEL
) -> Collection:
    """Make an empty collection, searched by one embedding model; a right on it is granted to teams."""
    require_owner(by, workspace, "set up collections")
    width = dimension_of(model)
    if width != DIMENSION:
        raise EmbeddingUnavailable(
            f"The embedding model {model} gives vectors of {width} numbers; {DIMENSION} are stored.",
            f"Choose a model that gives {DIMENSION}.",
        )
    collection = Collection(
        workspace=workspace, name=name, title=named(title, "title", 120), model=model, dimension=width
    )
    try:
        with transaction.atomic():
            collection.save(force_insert=True)
            note(workspace.id, by, "collection.created", ("collection", collection.id), model=model)
    except IntegrityError as error:
        raise InvalidInput(f"There is a collection named {name} already.", "Choose another name.") from error
    return collection


def prepare_document(*, content: bytes, media_type: str) -> Prepared:
    """Read a document, outside of any transaction; raise a sentence for what is too large or gives no text.

    No database connection is held meanwhile, since a parser may take its time.
    """
    if media_type not in MEDIA_TYPES:
        known = ", ".join(MEDIA_TYPES)
        raise InvalidInput(f"Documents of the type {media_type[:100]} are not read here.", f"Send one of: {known}.")
    if len(content) > settings.KNOWLEDGE_UPLOAD_BYTES:
        raise TooLarge(f"A document has at most {settings.KNOWLEDGE_UPLOAD_BYTES:,} bytes.", "Split it.")
    limits = Limits(
        characters=settings.KNOWLEDGE_TEXT_CHARACTERS,
        pages=settings.KNOWLEDGE_PDF_PAGES,
        seconds=settings.KNOWLEDGE_READ_SECONDS,
    )
    release_connection()
    try:
        reading = read_document(content, media_type, limits)
    except Unreadable as error:
        raise UnreadableDocument(error.message, error.hint, {"content": [error.message]}) from error
    return Prepared(media_type, hashlib.sha256(content).hexdigest(), reading)


def add_document(
    *,
    collection: Collection,
    prepared: Prepared,
    title: str,
    by: Actor,
    source: str = "",
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Document:
    """Store a document's text, untrusted; it is found once :func:`index_document` has made its passages."""
    require_manager(by, collection, "add documents to it")
    _check_times(valid_from, valid_until)
    if len(source) > 500 or not source.isprintable():
        raise InvalidInput("The source has at most 500 characters, on one line.", "Shorten the source.")
    document = Document(
        workspace_id=collection.workspace_id,
        collection=collection,
        title=named(title, "title", 200),
        source=source,
        media_type=prepared.media_type,
        digest=prepared.digest,
        text=prepared.reading.text,
        headings=[[one.start, one.end, one.level, one.title] for one in prepared.reading.headings],
        valid_from=valid_from,
        valid_until=valid_until,
    )
    try:
        with transaction.atomic():
            document.save(force_insert=True)
            _note(document, by, "document.added", characters=len(document.text))
    except IntegrityError as error:
        hint = "Keep that one, or forget it first."
        raise StaleState("This very document is in the collection already.", hint) from error
    return document


def index_document(*, document: Document, by: Actor) -> Document:
    """Make the passages and vectors of a queued or failed document, so that it is found from now on.

    Where the embedding model fails, the document stays as failed, with the sentence; it can be indexed again.
    """
    collection = document.collection
    require_manager(by, collection, "index its documents")
    headings = [Heading(*values) for values in document.headings]
    pieces = pieces_of(Reading(document.text, headings))
    texts = ["\n".join([*piece.path, document.text[piece.start : piece.end]]) for piece in pieces]
    while True:
        try:
            vectors = vectors_of(texts, model=collection.model, dimension=collection.dimension)
        except EmbeddingUnavailable as error:
            if document.status != DocumentStatus.FAILED:
                transition(document, DocumentStatus.FAILED, by=by, explanation=f"{error.message} {error.hint}")
            return document
        if _store(document, collection, pieces, vectors, by):
            return document


def _store(
    document: Document, collection: Collection, pieces: list[Piece], vectors: list[Vector | None], by: Actor
) -> bool:
    """Store passages and vectors, unless the collection has been given another model meanwhile; say whether."""
    with transaction.atomic():
        in_force = Collection.objects.select_for_update(no_key=True).get(pk=collection.pk)  # a swap waits for us
        if in_force.model != collection.model:
            collection.model = in_force.model
            return False
        transition(document, DocumentStatus.READY, by=by, body={"passages": len(pieces)}, explanation="")
        chunks = Chunk.objects.bulk_create(_chunks(document, pieces), batch_size=500)
        ChunkVector.objects.bulk_create(vector_rows(chunks, vectors, collection.model), batch_size=500)
    return True


def vector_rows(chunks: Sequence[Chunk], vectors: Sequence[Vector | None], model: str) -> list[ChunkVector]:
    """Return the rows of the vectors that ``model`` made of ``chunks``."""
    return [
        ChunkVector(workspace_id=chunk.workspace_id, chunk=chunk, model=model, embedding=vector)
        for chunk, vector in zip(chunks, vectors, strict=True)
    ]


def _chunks(document: Document, pieces: list[Piece]) -> list[Chunk]:
    return [
        Chunk(
            workspace_id=document.workspace_id,
            document=document,
            ordinal=ordinal,
            heading="\n".join(piece.path),
            text=document.text[piece.start : piece.end],
            start=piece.start,
            end=piece.end,
        )
        for ordinal, piece in enumerate(pieces)
    ]


def date_document(
    *, document: Document, valid_from: datetime | None, valid_until: datetime | None, by: Actor
) -> Document:
    """Say when a document holds: outside of that time it is not found. None: without a bound."""
    require_manager(by, document.collection, "date its documents")
    _check_times(valid_from, valid_until)
    with transaction.atomic():
        if not Document.objects.filter(pk=document.pk).update(valid_from=valid_from, valid_until=valid_until):
            raise StaleState("This document has been forgotten.")
        times = {"from": valid_from and valid_from.isoformat(), "until": valid_until and valid_until.isoformat()}
        _note(document, by, "document.dated", **times)
    document.valid_from, document.valid_until = valid_from, valid_until
    return document


def trust_document(*, document: Document, trust: str, by: Actor) -> Document:
    """Vouch for what a document says, or stop to; an owner's word. Every document begins as untrusted."""
    require_owner(by, document.workspace, "say which documents are trusted")
    with transaction.atomic():
        changed = Document.objects.filter(pk=document.pk).exclude(trust=trust).update(trust=Trust(trust))
        if not changed:
            raise StaleState(f"This document is {trust} already, or has been forgotten.")
        _note(document, by, "document.trust_changed", trust=str(trust))
    document.trust = Trust(trust)
    return document


def forget_document(*, document: Document, by: Actor) -> None:
    """Delete a document with its text, passages and vectors; the ledger keeps that it was there, by its id alone."""
    require_manager(by, document.collection, "forget its documents")
    with transaction.atomic():
        gone, rows = Document.objects.filter(pk=document.pk).delete()
        if not gone:
            raise StaleState("This document has been forgotten already.")
        _note(document, by, "document.forgotten", passages=rows.get(Chunk._meta.label, 0))


def require_manager(by: Actor, collection: Collection, what: str) -> None:
    """Raise unless ``by`` manages the collection or is a part of Countersign itself."""
    if isinstance(by, System) or Collection.objects.manageable_by(by).filter(pk=collection.pk).exists():
        return
    raise Forbidden(f"Only who manages {collection.title} may {what}.", "Ask an owner of the workspace.")


def _check_times(valid_from: datetime | None, valid_until: datetime | None) -> None:
    if valid_from and valid_until and valid_until <= valid_from:
        message = "The document would end to hold before it begins."
        raise InvalidInput(message, "Choose a later end.", {"valid_until": [message]})


def _note(document: Document, by: Actor, verb: str, **body: Any) -> None:
    about = {"collection": str(document.collection_id), **body}
    note(document.workspace_id, by, verb, ("document", document.pk), **about)
