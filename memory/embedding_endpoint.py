"""Vectors from any endpoint that speaks OpenAI's embeddings protocol (``POST {url}/embeddings``), where one is set.

It is one more model beside the built-in one, under its own name: collections choose theirs when they are made, and keep
it. The endpoint learns what is indexed and what is asked for, so it is for whoever runs this installation to choose.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import httpx2
from django.conf import settings

from memory.embeddings import Vector, register
from memory.errors import EmbeddingUnavailable
from memory.models.knowledge import DIMENSION
from workspaces.database import release_connection
from workspaces.errors import InvalidInput
from workspaces.outbound import guarded_client

BATCH: Final = 96
"""Texts in one request."""


class EmbeddingEndpoint:
    """One model behind one address; it is asked for vectors as wide as the column."""

    def __init__(self, *, name: str, url: str, key: str, seconds: float) -> None:
        self.name = name
        self.dimension = DIMENSION
        self._url = f"{url.rstrip('/')}/embeddings"
        self._key = key
        self._seconds = seconds

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector a text, in their order; raise ``EmbeddingUnavailable`` where the endpoint gives none.

        Not within a transaction: no database connection is held meanwhile.
        """
        release_connection()
        found: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            found += self._ask(list(texts[start : start + BATCH]))
        return found

    def _ask(self, texts: list[str]) -> list[Vector]:
        body = {"model": self.name, "input": texts, "dimensions": self.dimension, "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with guarded_client(deadline_seconds=self._seconds) as client:
                answer = client.post(self._url, json=body, headers=headers)
                said = answer.json() if answer.status_code == 200 else None
        except InvalidInput as error:
            raise EmbeddingUnavailable(
                f"The embedding endpoint may not be reached: {error.message}", error.hint
            ) from error
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            problem = f"The embedding endpoint gave no answer that can be read ({type(error).__name__})."
            raise EmbeddingUnavailable(problem, "Try again; see EMBEDDINGS_URL.") from error
        if said is None:
            problem = f"The embedding endpoint answered {answer.status_code}."
            raise EmbeddingUnavailable(problem, "Check EMBEDDINGS_URL, EMBEDDINGS_MODEL and EMBEDDINGS_KEY.")
        return _vectors(said)


def _vectors(said: Any) -> list[Vector]:
    """Return the vectors of an answer in the order of what was sent: one each, of numbers that are some."""
    try:
        rows = sorted(said["data"], key=lambda row: int(row["index"]))
        found = [[float(value) for value in row["embedding"]] for row in rows]
        if [int(row["index"]) for row in rows] != list(range(len(rows))):
            raise ValueError("a place twice, or none")
        if not all(math.isfinite(value) for vector in found for value in vector):
            raise ValueError("no number")
        return found
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problem = "The embedding endpoint's answer does not follow the protocol."
        raise EmbeddingUnavailable(problem, "Check that EMBEDDINGS_URL speaks OpenAI's embeddings protocol.") from error


def register_endpoint() -> None:
    """Make the configured endpoint's model known; without an address there is none."""
    if settings.EMBEDDINGS_URL:
        register(
            EmbeddingEndpoint(
                name=settings.EMBEDDINGS_MODEL,
                url=settings.EMBEDDINGS_URL,
                key=settings.EMBEDDINGS_KEY,
                seconds=settings.EMBEDDINGS_SECONDS,
            )
        )
