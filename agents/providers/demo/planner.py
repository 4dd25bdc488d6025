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
from agents.providers.demo.records import Outcome, Person, address_of, outcomes, people
from agents.providers.demo.shapes import Row, leaves, lookups, mail_tool
from agents.providers.demo.ticket import clues
from tools.states import Effect

MODEL: Final = "demo-planner"
MAX_LOOKUPS: Final = 16
STATEMENT: Final = "agent_confidence"
SURE: Final = 0.8

Proposal = tuple[ToolSpec, dict[str, Any]]


def plan(request: ModelRequest) -> ModelAnswer:
    """Return the next turn for ``request``."""
    ticket = next((message.text for message in request.messages if isinstance(message, UserText)), "")
    known = outcomes(request)
    if not known:
        return _look_up(request, ticket)
    if any(outcome.effect != Effect.READ for outcome in known):
        return _follow_up(request, ticket, known)
    found = people(known)
    if len(found) == 1:
        return _propose(request, ticket, known, found[0])
    if found:
        return _say(request, wording.several(len(found)), "Rule 2: several customers fit, so nothing is proposed.")
    failed = [outcome for outcome in known if outcome.status not in {"succeeded", "not_found"}]
    text = wording.lookup_failed(failed) if failed else wording.NOBODY
    return _say(request, text, "Rule 2: nobody was found, so nothing is proposed.")


def _look_up(request: ModelRequest, ticket: str) -> ModelAnswer:
    found = clues(ticket)
    if not found:
        return _say(request, wording.NOTHING_TO_LOOK_UP, "Rule 2: the ticket names nobody.")
    calls: dict[str, Proposal] = {}
    for clue in found:
        for tool, arguments in lookups(request.tools, clue):
            calls.setdefault(json.dumps([tool.name, arguments], sort_keys=True), (tool, arguments))
    if not calls:
        return _say(request, wording.CANNOT_LOOK_UP, "Rule 1: no read tool takes what the ticket names.")
    reasoning = f"Rule 1: look up everything in the ticket that may name a customer ({len(found)} found)."
    return _call(request, list(calls.values())[:MAX_LOOKUPS], reasoning)


def _propose(request: ModelRequest, ticket: str, known: list[Outcome], person: Person) -> ModelAnswer:
    first, errands = before_proposing(request, ticket, known, person)
    if first is not None:
        return (
            _call(request, first.calls, first.reasoning) if first.calls else _say(request, first.text, first.reasoning)
        )
    wanted = next((wanted for row in person.rows if (wanted := updates(request.tools, ticket, row))), [])
    changed = [name for update in wanted for name in update.changed]
    proposals: list[Proposal] = [(update.tool, update.arguments) for update in wanted]
    if errands:
        return _call(request, [*proposals, *errands], "Rule 4: one customer, and what the ticket asks for is clear.")
    proposals += _mail(request, person.row, wording.mail_body(changed))
    if not proposals:
        return _say(request, wording.NOTHING_TO_DO, "Rule 3: one customer, but no tool fits.")
    asked = f"the ticket asks to change: {', '.join(changed)}" if changed else "no change that the rules know is asked"
    return _call(request, proposals, f"Rule 3: exactly one customer; {asked}. The mail goes to the address on record.")


def _mail(request: ModelRequest, row: Row, body: str) -> list[Proposal]:
    mail, address = mail_tool(request.tools), address_of(row)
    if mail is None or address is None:
        return []
    return [(mail.tool, mail.arguments(address, wording.SUBJECT, body))]


def _follow_up(request: ModelRequest, ticket: str, known: list[Outcome]) -> ModelAnswer:
    """Tell the customer what was done with their money, once; propose a rejected mail once more, shorter; otherwise
    say what became of everything."""
    acted = [outcome for outcome in known if outcome.effect != Effect.READ]
    mail, found = mail_tool(request.tools), people(known)
    mails = [outcome for outcome in acted if mail is not None and outcome.call.name == mail.tool.name]
    told = [] if mails or len(found) != 1 else told_after(request, ticket, known)
    if told and (letter := _mail(request, found[0].row, wording.told_body(told))):
        return _call(
            request, letter, "Rule 4: it is done, so the customer is told. The mail goes to the address on record."
        )
    if len(mails) == 1 and len(found) == 1 and mails[0].status == "rejected" and mails[0].said.get("reason"):
        again = _mail(request, found[0].row, wording.shorter_mail_body())
        if again and all(again[0][1] != outcome.call.arguments for outcome in acted):
            return _call(
                request, again, "Rule 5: a person rejected the mail with a reason; a shorter one claims nothing."
            )
    return _say(request, wording.summary(acted), "Rule 5: everything proposed has been dealt with.")


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
