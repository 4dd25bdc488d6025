"""Sessions and their messages; facts; collections, their documents and the passages of these."""

from memory.models.fact import Fact
from memory.models.knowledge import Chunk, Collection, CollectionGrant, Document
from memory.models.session import Message, MessageRole, Session, Trust

__all__ = [
    "Chunk",
    "Collection",
    "CollectionGrant",
    "Document",
    "Fact",
    "Message",
    "MessageRole",
    "Session",
    "Trust",
]
