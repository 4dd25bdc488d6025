"""Vectors of texts, each by a named model. What one model made is never compared with what another made.

The built-in model is wordllama's, whose weights come with its package: no key, no network, no download. It is loaded
when it is first needed, once a process.
"""

import math
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from memory.errors import EmbeddingUnavailable

Vector = list[float]


class Embedder(Protocol):
    """One model that turns texts into vectors of one width."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector a text, in their order."""
        ...


class WordLlama:
    """The mean of token vectors distilled from language models: small, quick, and here."""

    name: ClassVar[str] = "wordllama-l2-256"
    dimension: ClassVar[int] = 256

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        found: list[Vector] = self._loaded().embed(list(texts), norm=False).tolist()
        return found

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                import wordllama

                here = Path(wordllama.__file__).parent
                self._model = wordllama.WordLlama.load(cache_dir=here, disable_download=True)
        return self._model


DEFAULT_MODEL: Final = WordLlama.name
_known: Final[dict[str, Embedder]] = {}


REVISION: Final = re.compile(r"#[0-9]+$")
"""What follows a model's name where a collection is embedded by it once more: it may be another one by now."""


def name_of(label: str) -> str:
    """Return the name of the model behind the label of its vectors."""
    return REVISION.sub("", label)


def register(embedder: Embedder) -> None:
    """Make a model known by its name."""
    _known[embedder.name] = embedder


def known_models() -> list[str]:
    """Return the names of the models that collections can be made for."""
    return sorted(_known)


def dimension_of(model: str) -> int:
    """Return the width of a model's vectors."""
    return _embedder(model).dimension


def vectors_of(texts: Sequence[str], *, model: str, dimension: int) -> list[Vector | None]:
    """Return vectors of length 1, or None for a text without words.

    Raise :class:`EmbeddingUnavailable` where the model is not here, or gives something else than one vector of
    ``dimension`` a text: what was embedded before could not be compared with it.
    """
    if not texts:
        return []
    found = _embedder(model).embed(texts)
    wrong = {len(vector) for vector in found} - {dimension}
    if wrong or len(found) != len(texts):
        what = f"vectors of {min(wrong)} numbers" if wrong else f"{len(found)} vectors for {len(texts)} texts"
        raise EmbeddingUnavailable(
            f"The embedding model {model} gave {what}; this collection was made for {dimension} numbers each.",
            "Put the model back that gave them, or embed the collection anew by another.",
        )
    return [_of_length_one(vector) for vector in found]


def _embedder(model: str) -> Embedder:
    try:
        return _known[name_of(model)]
    except KeyError:
        raise EmbeddingUnavailable(
            f"The embedding model {model} is not here.",
            f"Put it back, or embed the collection anew by one that is: {', '.join(known_models())}.",
        ) from None


def _of_length_one(vector: Vector) -> Vector | None:
    length = math.sqrt(math.fsum(value * value for value in vector))
    if not length or not math.isfinite(length):
        return None
    return [value / length for value in vector]


register(WordLlama())
