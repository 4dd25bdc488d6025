"""The order of the rules for money: find the customer there, find their things, propose what is clear, tell them after.

Only what ``choosing`` finds clear is proposed; of several wishes none is, where one is unclear. The customer is written
to when it is done, and not before.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from agents.providers.base import ModelRequest, ToolSpec
from agents.providers.demo.choosing import Choice, choose
from agents.providers.demo.letters import Words
from agents.providers.demo.records import Outcome, Person, address_of
from agents.providers.demo.shapes import lookups
from agents.providers.demo.things import Errand, errand_for, rows_in
from agents.providers.demo.ticket import Clue
from agents.providers.demo.wishes import Ask, Wish, asked
from tools.amounts import spoken
from tools.states import Effect

UNCLEAR: Final = "Nothing was proposed. A person should look at this ticket, or ask the customer."
BOTH: Final = "The ticket asks to end and to resume a subscription. " + UNCLEAR
NOT_KNOWN: Final = "The payment system knows nobody with the customer's address on record. " + UNCLEAR
DONE: Final = frozenset({"succeeded", "edited", "simulated"})


@dataclass(frozen=True, slots=True)
class Next:
    """What to do next: calls, or a text that ends it."""

    reasoning: str
    calls: list[tuple[ToolSpec, dict[str, Any]]] = field(default_factory=list)
    text: str = ""


def errands_in(request: ModelRequest, ticket: str) -> tuple[Ask, dict[Wish, Errand]]:
    """Return what the ticket asks for, and the tools that can do it."""
    ask = asked(ticket)
    found = {wish: errand_for(wish, request.tools) for wish in sorted(ask.wishes)}
    return ask, {wish: errand for wish, errand in found.items() if errand is not None}


def before_proposing(
    request: ModelRequest, ticket: str, known: list[Outcome], person: Person
) -> tuple[Next | None, list[tuple[ToolSpec, dict[str, Any]]]]:
    """Return what has to come first (look-ups, or a sentence), or the calls to propose; neither where none is asked."""
    ask, errands = errands_in(request, ticket)
    if not errands:
        return None, []
    if {Wish.CANCEL, Wish.RESUME} <= errands.keys():
        return Next("Rule 4: it asks for one and for its contrary.", text=BOTH), []
    proposals: list[tuple[ToolSpec, dict[str, Any]]] = []
    needed: list[tuple[ToolSpec, dict[str, Any]]] = []
    unclear: list[str] = []
    for wish, errand in errands.items():
        owner = _owner(errand, person)
        if owner is None:
            return _find_owner(request, known, person), []
        shown = _shown(errand, owner, known)
        if shown is None:
            needed.append((errand.finder, errand.finding(owner)))
            continue
        choice = _choice(wish, errand, shown, owner, ask)
        if choice.unclear:
            unclear.append(choice.unclear)
        else:
            proposals.append((errand.tool, errand.arguments(choice.row, owner, **choice.given)))
    if needed:
        return Next("Rule 4: look up what the customer has there.", needed), []
    if unclear:
        return Next("Rule 4: what is asked for is not clear.", text=" ".join([*unclear, UNCLEAR])), []
    return None, proposals


def _owner(errand: Errand, person: Person) -> str | None:
    """Return the person's id at the errand's system."""
    found = [row["id"] for row in person.rows if errand.is_owner(row.get("id"))]
    return str(found[0]) if len(found) == 1 else None


def _find_owner(request: ModelRequest, known: list[Outcome], person: Person) -> Next:
    """Look the address on record up wherever that was not done yet."""
    address = address_of(person.row)
    done = [(outcome.call.name, outcome.call.arguments) for outcome in known]
    calls = list(lookups(request.tools, Clue("email", address))) if address else []
    new = [(tool, arguments) for tool, arguments in calls if (tool.name, arguments) not in done]
    if new:
        return Next("Rule 4: look the customer's address on record up elsewhere too.", new)
    return Next("Rule 4: the customer is not known where the money is.", text=NOT_KNOWN)


def _shown(errand: Errand, owner: str, known: list[Outcome]) -> Outcome | None:
    """Return what the finder said of this owner, if it was asked."""
    wanted = (errand.finder.name, errand.finding(owner))
    return next((outcome for outcome in known if (outcome.call.name, outcome.call.arguments) == wanted), None)


def _choice(wish: Wish, errand: Errand, shown: Outcome, owner: str, ask: Ask) -> Choice:
    rows, more = rows_in(shown)
    if shown.status != "succeeded" or more:
        return Choice({}, {}, "What the customer has at the payment system could not be looked up completely.")
    return choose(wish, errand, rows, owner, ask)


def told_after(request: ModelRequest, ticket: str, known: list[Outcome], words: Words) -> list[str]:
    """Return a sentence for the customer about each errand that is done; none while one is not, or was answered."""
    _, errands = errands_in(request, ticket)
    tools = {errand.tool.name: wish for wish, errand in errands.items()}
    acted = [outcome for outcome in known if outcome.effect != Effect.READ]
    if any(outcome.status not in DONE for outcome in acted):
        return []
    return [_told(tools[outcome.call.name], outcome, words) for outcome in acted if outcome.call.name in tools]


def _told(wish: Wish, outcome: Outcome, words: Words) -> str:
    if wish == Wish.CANCEL:
        return words.ends
    if wish == Wish.RESUME:
        return words.goes_on
    result = outcome.said.get("result")
    made = result if isinstance(result, dict) else {}
    amount, currency = made.get("amount"), made.get("currency")
    if type(amount) is int and isinstance(currency, str):
        return words.refunded.format(spoken(amount, currency))
    return words.refunded_all
