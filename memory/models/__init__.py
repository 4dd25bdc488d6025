"""Sessions and their messages; facts; collections, their documents, the passages of these and their vectors."""

from memory.models.fact import Fact
from memory.models.knowledge import Chunk, Collection, CollectionGrant, Document
from memory.models.session import Message, MessageRole, Session, Trust
from memory.models.vector import ChunkVector, Reembedding

__all__ = [
    "Chunk",
    "ChunkVector",
    "Collection",
    "CollectionGrant",
    "Document",
    "Fact",
    "Message",
    "MessageRole",
    "Reembedding",
    "Session",
    "Trust",
]
