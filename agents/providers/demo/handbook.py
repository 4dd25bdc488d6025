"""What the handbook says about a ticket's questions, told by visible rules.

A question is a sentence that ends with a question mark or says that somebody wants to know, and is no polite order. A
passage answers it where the two share enough words, by their first letters. Customers are only told what people have
vouched for; whatever else was found is for colleagues.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agents.providers.base import ModelRequest, ToolSpec
from agents.providers.demo.records import Outcome
from agents.providers.demo.shapes import finds_passages, query_leaf
from agents.providers.demo.ticket import ADDRESS, sentences

MAX_QUESTIONS: Final = 3
MAX_CITED: Final = 2
MAX_QUOTED: Final = 700
MAX_PLACE: Final = 200
LONGEST_QUERY: Final = 300
TRUSTED: Final = "trusted"
_STEM: Final = 5
_ENOUGH: Final = 3
_WANTS_TO_KNOW: Final = re.compile(
    r"\b(?:want(?:ed)? to know|like to know|wonder(?:ing)?|(?:tell|explain to) (?:me|us)|let (?:me|us) know"
    r"|möchten? wissen|wüssten? gern|voudr\w+ savoir|quisier\w+ saber)\b",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(
    r"^\W{0,3}(?:please\W+)?(?:could|can|would|will) you\b(?!\W+(?:please\W+)?(?:tell|explain|say|let))", re.IGNORECASE
)
_COMMON_WORDS: Final = (
    "about after also because been before could does doing done from have hello help here into just know like make "
    "many more much need only other ours over please should some tell than thank thanks that their them then there "
    "these they this those want wants what when where which while will with would your yours always never again take "
    "takes long"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that answers a question: its words, where it stands, and whether people have vouched for it."""

    text: str
    place: str
    characters: str
    trusted: bool

    @property
    def quoted(self) -> str:
        """The words in marks, with the place behind them."""
        return f"“{self.text}” ({self.place})"


def questions(ticket: str) -> list[str]:
    """Return the ticket's questions as plain words, each once, the first three."""
    found = [words for sentence in sentences(ticket) if _asks(sentence) and (words := _plain(sentence))]
    return list(dict.fromkeys(found))[:MAX_QUESTIONS]


def _asks(sentence: str) -> bool:
    wants = sentence.rstrip("\"'”’» )").endswith(("?", "？")) or _WANTS_TO_KNOW.search(sentence) is not None
    return wants and not _ORDER.search(sentence)


def _plain(sentence: str) -> str:
    """Return the words alone: no address, and none of the marks that mean something to a search."""
    words = " ".join(re.sub(r"[^\w\s'’]|_", " ", ADDRESS.sub(" ", sentence)).split())
    return words[:LONGEST_QUERY].strip() if _stems(words) else ""


def searches(tools: tuple[ToolSpec, ...], ticket: str) -> Iterator[tuple[ToolSpec, dict[str, Any]]]:
    """Yield a search for each question, with the first tool that finds passages."""
    tool = next(filter(finds_passages, tools), None)
    leaf = query_leaf(tool) if tool else None
    if tool is None or leaf is None:
        return
    for question in questions(ticket):
        if leaf.accepts(question):
            yield tool, {leaf.name: question}


def without_searches(request: ModelRequest, known: list[Outcome]) -> list[Outcome]:
    """Return what was not asked of the handbook: nothing in a passage is a customer's record."""
    names = {tool.name for tool in request.tools if finds_passages(tool)}
    return [outcome for outcome in known if outcome.call.name not in names]


def citations(request: ModelRequest, known: list[Outcome]) -> list[Citation]:
    """Return the best passages that answer the questions which were searched for, each once."""
    others = {id(outcome) for outcome in without_searches(request, known)}
    found: dict[str, Citation] = {}
    for outcome in known:
        if id(outcome) not in others and outcome.status == "succeeded":
            question = " ".join(str(value) for value in (outcome.call.arguments or {}).values())
            cited = next((one for one in _passages(outcome) if _answers(one, question)), None)
            if cited is not None:
                found.setdefault(cited.text, cited)
    return list(found.values())[:MAX_CITED]


def _passages(outcome: Outcome) -> Iterator[Citation]:
    result = outcome.said.get("result")
    shown = result.get("passages") if isinstance(result, dict) else None
    for passage in shown if isinstance(shown, list) else ():
        text = passage.get("text") if isinstance(passage, dict) else None
        if isinstance(text, str) and text.strip():
            yield Citation(_short(text), _place(passage), _characters(passage), passage.get("trust") == TRUSTED)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MAX_QUOTED else words[:MAX_QUOTED].rsplit(" ", 1)[0] + "…"


def _place(passage: dict[str, Any]) -> str:
    path = passage.get("heading_path")
    headings = [one for one in path if isinstance(one, str)] if isinstance(path, list) else []
    title = passage.get("document")
    whole = " › ".join([*([title] if isinstance(title, str) else []), *headings]) or "untitled"
    return " ".join(whole.split())[:MAX_PLACE]


def _characters(passage: dict[str, Any]) -> str:
    start, end = passage.get("start"), passage.get("end")
    return f"characters {start} to {end}" if type(start) is int and type(end) is int else "place unknown"


def _answers(passage: Citation, question: str) -> bool:
    """Say whether half of the question's words, or three, are among those of the passage and its headings."""
    asked = _stems(question)
    said = tuple(_stems(f"{passage.place} {passage.text}"))
    shared = [word for word in asked if any(word.startswith(one) or one.startswith(word) for one in said)]
    return bool(asked) and len(shared) >= min(-(-len(asked) // 2), _ENOUGH)


def _stems(text: str) -> set[str]:
    words = re.findall(r"[^\W\d_]{4,40}", text.casefold())
    return {word[:_STEM] for word in words if word not in _COMMON}
