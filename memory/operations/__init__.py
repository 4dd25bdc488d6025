"""Every write of the memory floor."""

from memory.operations.knowledge import (
    add_document,
    create_collection,
    date_document,
    forget_document,
    index_document,
    prepare_document,
    trust_document,
)
from memory.operations.reembedding import begin_reembedding, cancel_reembedding
from memory.operations.sessions import append_message, session_for

__all__ = [
    "add_document",
    "append_message",
    "begin_reembedding",
    "cancel_reembedding",
    "create_collection",
    "date_document",
    "forget_document",
    "index_document",
    "prepare_document",
    "session_for",
    "trust_document",
]
