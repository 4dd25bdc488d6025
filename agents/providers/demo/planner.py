"""The order of the rules: look up, decide whom it is about, propose, report."""

import hashlib
import json
from typing import Any, Final

from agents.providers.base import (
    AssistantTurn,
    ModelAnswer,
    ModelRequest,
    Stop,
    ToolCall,
    ToolSpec,
    Usage,
    UserText,
    request_to_json,
)
from agents.providers.demo import wording
from agents.providers.demo.changes import updates
from agents.providers.demo.errands import before_proposing, told_after
from agents.providers.demo.handbook import citations, searches, without_searches
from agents.providers.demo.letters import LANGUAGES, mail_body, shorter_mail_body, told_body, words_of
from agents.providers.demo.preferences import CHANNEL, LANGUAGE, in_force, remembers, to_remember
from agents.providers.demo.records import Outcome, Person, address_of, outcomes, people
from agents.providers.demo.shapes import Row, leaves, lookups, mail_tool
from agents.providers.demo.ticket import clues
from tools.states import Effect

MODEL: Final = "demo-planner"
MAX_LOOKUPS: Final = 16
STATEMENT: Final = "agent_confidence"
SURE: Final = 0.8
MAIL: Final = "e-mail"

Proposal = tuple[ToolSpec, dict[str, Any]]


def plan(request: ModelRequest) -> ModelAnswer:
    """Return the next turn for ``request``."""
    ticket = next((message.text for message in request.messages if isinstance(message, UserText)), "")
    known = outcomes(request)
    if not known:
        return _look_up(request, ticket)
    desk = _Desk(request, ticket, known)
    if any(outcome.effect != Effect.READ for outcome in known):
        return _follow_up(desk)
    found = people(desk.looked_up)
    if len(found) == 1:
        return _propose(desk, found[0])
    if found:
        return _end(desk, wording.several(len(found)), "Rule 2: several customers fit, so nothing is proposed.")
    failed = [outcome for outcome in desk.looked_up if outcome.status not in {"succeeded", "not_found"}]
    text = wording.lookup_failed(failed) if failed else wording.NOBODY
    return _end(desk, text, "Rule 2: nobody was found, so nothing is proposed.")


class _Desk:
    """What the rules know once something was looked up."""

    def __init__(self, request: ModelRequest, ticket: str, known: list[Outcome]) -> None:
        self.request, self.ticket, self.known = request, ticket, known
        self.looked_up = without_searches(request, known)
        self.cited = citations(request, known)
        wishes = in_force(request, ticket)
        self.language, self.channel = wishes.get(LANGUAGE), wishes.get(CHANNEL, MAIL)
        self.words = words_of(self.language)

    @property
    def quotes(self) -> list[str]:
        """What customers may be told of the handbook: what people have vouched for."""
        return [one.quoted for one in self.cited if one.trusted]

    @property
    def reasons(self) -> str:
        """Why the letters are as they are."""
        told = [f"Rule 5: the handbook, {one.place}, {one.characters}." for one in self.cited]
        if self.language:
            known = "" if self.language in LANGUAGES else "; the rules have no words in it, so a colleague translates"
            told.append(f"Rule 6: the customer prefers {self.language}{known}.")
        if self.channel != MAIL:
            told.append(f"Rule 6: {wording.other_channel(self.channel)}")
        return " ".join(["", *told])


def _look_up(request: ModelRequest, ticket: str) -> ModelAnswer:
    found = clues(ticket)
    calls: dict[str, Proposal] = {}
    for clue in found:
        for tool, arguments in lookups(request.tools, clue):
            calls.setdefault(json.dumps([tool.name, arguments], sort_keys=True), (tool, arguments))
    asked = list(searches(request.tools, ticket))
    if calls or asked:
        reasoning = f"Rule 1: look up everything in the ticket that may name a customer ({len(found)} found)."
        reasoning += f" Rule 5: search the handbook for its questions ({len(asked)})." if asked else ""
        return _call(request, [*list(calls.values())[:MAX_LOOKUPS], *asked], reasoning)
    if not found:
        return _say(request, wording.NOTHING_TO_LOOK_UP, "Rule 2: the ticket names nobody.")
    return _say(request, wording.CANNOT_LOOK_UP, "Rule 1: no read tool takes what the ticket names.")


def _propose(desk: _Desk, person: Person) -> ModelAnswer:
    request, ticket = desk.request, desk.ticket
    first, errands = before_proposing(request, ticket, desk.looked_up, person)
    if first is not None:
        return _call(request, first.calls, first.reasoning) if first.calls else _end(desk, first.text, first.reasoning)
    wanted = next((wanted for row in person.rows if (wanted := updates(request.tools, ticket, row))), [])
    changed = [name for update in wanted for name in update.changed]
    facts = to_remember(request, ticket)
    proposals: list[Proposal] = [*((update.tool, update.arguments) for update in wanted), *facts]
    kept = f" Rule 6: to be remembered: {', '.join(str(call[1]['key']) for call in facts)}." if facts else ""
    if errands:
        reasoning = "Rule 4: one customer, and what the ticket asks for is clear." + kept
        return _call(request, [*proposals, *errands], reasoning)
    proposals += _mail(desk, person.row, mail_body(desk.words, changed, desk.quotes))
    if not proposals:
        text = wording.NOTHING_TO_DO if desk.channel == MAIL else wording.other_channel(desk.channel)
        return _end(desk, text, "Rule 3: one customer, but no tool fits.")
    asked = f"the ticket asks to change: {', '.join(changed)}" if changed else "no change that the rules know is asked"
    reasoning = f"Rule 3: exactly one customer; {asked}. The mail goes to the address on record."
    return _call(request, proposals, reasoning + kept + desk.reasons)


def _mail(desk: _Desk, row: Row, body: str) -> list[Proposal]:
    mail, address = mail_tool(desk.request.tools), address_of(row)
    if mail is None or address is None or desk.channel != MAIL:
        return []
    return [(mail.tool, mail.arguments(address, desk.words.subject, body))]


def _follow_up(desk: _Desk) -> ModelAnswer:
    """Tell the customer what was done with their money, once; propose a rejected mail once more, shorter; otherwise
    say what became of everything."""
    request, ticket = desk.request, desk.ticket
    acted = [outcome for outcome in desk.known if outcome.effect != Effect.READ]
    mail, found = mail_tool(request.tools), people(desk.looked_up)
    mails = [outcome for outcome in acted if mail is not None and outcome.call.name == mail.tool.name]
    remembering = {tool.name for tool in request.tools if remembers(tool)}
    apart = [outcome for outcome in desk.known if outcome.call.name not in remembering]
    told = [] if mails or len(found) != 1 else told_after(request, ticket, apart, desk.words)
    if told and (letter := _mail(desk, found[0].row, told_body(desk.words, told, desk.quotes))):
        reasoning = "Rule 4: it is done, so the customer is told. The mail goes to the address on record."
        return _call(request, letter, reasoning + desk.reasons)
    if len(mails) == 1 and len(found) == 1 and mails[0].status == "rejected" and mails[0].said.get("reason"):
        again = _mail(desk, found[0].row, shorter_mail_body(desk.words))
        if again and all(again[0][1] != outcome.call.arguments for outcome in acted):
            return _call(
                request, again, "Rule 7: a person rejected the mail with a reason; a shorter one claims nothing."
            )
    text = wording.summary(acted)
    if desk.channel != MAIL:
        text = f"{text} {wording.other_channel(desk.channel)}"
    return _end(desk, text, "Rule 7: everything proposed has been dealt with.")


def _end(desk: _Desk, text: str, reasoning: str) -> ModelAnswer:
    """End the run with words for colleagues: what became of it, and what the handbook says where no letter does."""
    quotes = [one.quoted + ("" if one.trusted else " [not vouched for]") for one in desk.cited]
    return _say(desk.request, wording.with_citations(text, quotes), reasoning + desk.reasons)


def _call(request: ModelRequest, proposals: list[Proposal], reasoning: str) -> ModelAnswer:
    before = sum(len(turn.calls) for turn in request.messages if isinstance(turn, AssistantTurn))
    calls = tuple(
        ToolCall(f"demo_{number}", tool.name, arguments, json.dumps(arguments, ensure_ascii=False))
        for number, (tool, arguments) in enumerate(map(_stated, proposals), start=before + 1)
    )
    return _answer(request, "", reasoning, calls, Stop.CALLS)


def _stated(proposal: Proposal) -> Proposal:
    """Return the proposal with how sure a rule is that acts on one thing alone, where the tool asks for that."""
    tool, arguments = proposal
    asks = any(leaf.path == (STATEMENT,) for leaf in leaves(tool))
    return (tool, {**arguments, STATEMENT: SURE}) if asks and mail_tool((tool,)) is None else proposal


def _say(request: ModelRequest, text: str, reasoning: str) -> ModelAnswer:
    return _answer(request, text, reasoning, (), Stop.END)


def _answer(request: ModelRequest, text: str, reasoning: str, calls: tuple[ToolCall, ...], stop: Stop) -> ModelAnswer:
    sent = json.dumps(request_to_json(request)).encode()
    response_id = f"demo-{hashlib.sha256(sent).hexdigest()[:24]}"
    return ModelAnswer(text, wording.REASONING + reasoning, calls, stop, Usage(0, 0, 0), MODEL, response_id)
