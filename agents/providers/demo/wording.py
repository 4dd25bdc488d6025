"""The demo planner's own words to the people who work with it; its letters to customers are in ``letters``."""

from collections.abc import Iterable
from typing import Any, Final

from agents.providers.demo.records import Outcome

_QUOTED: Final = 300

REASONING: Final = (
    "This is the demo planner, not a model: it follows a few simple rules and understands nothing beyond them. "
)
NOTHING_TO_LOOK_UP: Final = (
    "No customer was found: the ticket names no e-mail address, id or name that could be looked up. "
    "A person should look at it."
)
CANNOT_LOOK_UP: Final = "None of my tools can look a customer up. A person should look at this ticket."
NOBODY: Final = "No customer was found for what the ticket names. A person should look at it."
NOTHING_TO_DO: Final = (
    "The customer was found, but there is no tool here for what could be done next. "
    "A person should look at this ticket."
)
HANDBOOK: Final = "The handbook says:"
BY_PHONE: Final = "so no e-mail was proposed: a person should get in touch that way."


def several(count: int) -> str:
    return (
        f"The ticket fits {count} different customers, so nothing was proposed. "
        "Which one is meant? Please name one e-mail address or id."
    )


def lookup_failed(outcomes: Iterable[Outcome]) -> str:
    return "The customer could not be looked up. " + summary(outcomes) + " A person should look at this ticket."


def other_channel(channel: str) -> str:
    return f"The customer prefers to be contacted by {channel}, {BY_PHONE}"


def with_citations(text: str, quotes: Iterable[str]) -> str:
    """Return ``text`` for colleagues, followed by what was found in the handbook."""
    found = list(quotes)
    return " ".join([text, HANDBOOK, *found]) if found else text


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return one sentence for each call."""
    return " ".join(_sentence(outcome) for outcome in outcomes)


def _sentence(outcome: Outcome) -> str:
    said = outcome.said
    reason = _words(said.get("reason") or said.get("reasons") or said.get("error") or said.get("message"))
    because = f": {reason}" if reason else "."
    after_edit = f"was changed by a person ({_words(said.get('changed'))}), whose version stands"
    words = {
        "": "still waits.",
        "succeeded": "was done.",
        "simulated": "was simulated: nothing was changed or sent.",
        "edited": f"{after_edit}{_afterwards(said)}.",
        "rejected": f"was rejected by a person{because}",
        "denied": f"is not allowed{because}",
        "answered": f"was answered by a person: {_words(said.get('answer'))}",
        "failed": f"failed{because}",
        "in_doubt": "may or may not have happened; a person has to find out.",
        "expired": "was not decided in time.",
        "cancelled": "was cancelled.",
        "not_found": "found nothing.",
    }.get(outcome.status, f"ended as {_words(outcome.status)!r}{because}")
    return f"{outcome.call.name} {words}"


def _afterwards(said: dict[str, Any]) -> str:
    result = said.get("result")
    status = result.get("status") if isinstance(result, dict) else said.get("outcome", said.get("status"))
    return f" ({_words(status)})" if isinstance(status, str) and status != "edited" else ""


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        value = "; ".join(_words(item) for item in value[:10])
    elif isinstance(value, dict):
        value = ", ".join(str(key) for key in list(value)[:10])
    text = " ".join(str(value if value is not None else "")[: _QUOTED * 4].split())
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"
