"""What can be wrong with a document, or with the model that embeds it."""

from workspaces.errors import InvalidInput, Unavailable


class UnreadableDocument(InvalidInput):
    """A document that gives no text: broken, encrypted, empty, in no known encoding, or made to overwhelm a reader."""

    code = "unreadable_document"


class EmbeddingUnavailable(Unavailable):
    """The collection's embedding model is not here, or does not give what the collection was made for."""

    code = "embedding_unavailable"
