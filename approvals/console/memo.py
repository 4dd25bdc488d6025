"""A request as a memo: the frozen evidence and the rows around it, put into the order in which a person reads."""

from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from approvals.amounts import currency_of, in_words
from approvals.console.deciders import who_may_decide
from approvals.console.doubts import found_out
from approvals.console.history import history
from approvals.console.limits import budget_of, minutes_of, note_of
from approvals.console.outcome import outcome
from approvals.console.surroundings import PERSON, Surroundings, surroundings
from approvals.diffs import label_of
from approvals.evidence import environment_of
from approvals.models import Request
from approvals.permissions import refusal
from approvals.sentences import UNDO, named, short
from approvals.states import ExpiryDoes, RequestKind, RequestStatus
from tools.provenance import MAX_EXCERPT
from tools.states import Effect
from workspaces.canonical import digest
from workspaces.console import differences
from workspaces.console.links import EVENTS, INBOX, agent_url, passage_url, request_url, run_url
from workspaces.console.shapes import (
    Argument,
    Confidence,
    DecisionBar,
    Facts,
    Onward,
    Passage,
    Quorum,
    Read,
    Reason,
    Remembered,
    RequestPage,
    Said,
    Sibling,
    Source,
    Ticket,
    Unsent,
    Words,
)
from workspaces.console.words import sender
from workspaces.models import User

UNDECIDED: Final = {
    ExpiryDoes.EXPIRE: "nothing is done",
    ExpiryDoes.REJECT: "it counts as rejected and the agent is told so",
}
MEASURED: Final[tuple[tuple[str, str, dict[int | None, str]], ...]] = (
    ("match", "Arguments found in what was read", {None: "and not by coincidence"}),
    (
        "amount",
        "Amount against the charge",
        {100: "exactly what is left of it", 50: "a part of what is left", None: "it does not fit"},
    ),
    ("retrieval", "Best passage found", {None: "of the best possible"}),
)
Next = Callable[[Request, User], Onward | None]
TIME_IS_UP: Final = "The time for this request has run out."


def memo(request: Request, user: User, unsent: Unsent | None = None, onward: Next | None = None) -> RequestPage:
    """Return the page of ``request`` for ``user``; ``unsent`` is an answer of theirs that was not taken.

    ``onward`` finds the request that they may decide on next; it is asked where there is nothing to decide on this one.
    """
    around, bar = surroundings(request, user), _bar(request, user, unsent)
    evidence = request.evidence
    action = evidence.get("action") or {}
    return RequestPage(
        id=str(request.id),
        kind=request.kind,
        status=request.status,
        title=request.title,
        at=request.opened_at,
        agent=(evidence.get("agent") or {}).get("title") or "An agent",
        agent_url=agent_url(request.agent_id),
        run=str(request.run_id),
        run_url=run_url(request.run_id),
        facts=_facts(request),
        bar=bar,
        digest=request.evidence_digest,
        tool=action.get("tool", ""),
        environment=environment_of(evidence),
        arguments=_arguments(evidence, around),
        exact=action.get("arguments"),
        changes=_changes(evidence.get("before"), evidence.get("predicted")),
        reasons=_reasons(request),
        confidence=_confidence(evidence.get("confidence") or {}),
        quorum=_quorum(request),
        probe=(evidence.get("probe") or {}).get("sentence", ""),
        found=found_out(evidence.get("probe") or {}),
        back_url=INBOX,
        onward=onward(request, user) if onward and (bar is None or bar.why_not) else None,
        cost=around.cost,
        currency="USD",
        history=history(around),
        **_revision(request, around),
        **_evidence(evidence, around),
        outcome=outcome(around),
        version=_version(request, around),
        events_url=f"{EVENTS}?run={request.run_id}",
        region_url=request_url(request.id),
        deciders=who_may_decide(request),
        deciders_url=f"{request_url(request.id)}deciders/",
    )


def _facts(request: Request) -> Facts:
    evidence = request.evidence
    action = evidence.get("action")
    if action is None:
        return Facts(does=str(evidence.get("sentence") or request.title).rstrip("."), effect="")
    arguments, schema = action["arguments"], action.get("schema") or {}
    target, values = named(arguments, schema, evidence.get("before"), evidence.get("predicted"))
    return Facts(
        does=("In doubt: " if request.kind == RequestKind.SETTLE else "") + action["title"],
        effect=action["effect"],
        to=target,
        system=action.get("connection", ""),
        values=values,
        undo=_undo(action),
        egress=action.get("egress", False),
    )


def _undo(action: dict[str, Any]) -> str:
    """Return what undoing would mean, without the sentence that the effect's own word says already."""
    said: str = action.get("undo", "")
    same = {Effect.REVERSIBLE, Effect.IRREVERSIBLE}
    return said.removeprefix(UNDO[Effect(action["effect"])]).strip() if action["effect"] in same else said


def _bar(request: Request, user: User, unsent: Unsent | None) -> DecisionBar | None:
    if request.status != RequestStatus.OPEN:
        return None
    late = TIME_IS_UP if request.expires_at <= timezone.now() else ""
    editable = request.kind in {"action", "form"} and not (request.action and request.action.is_repair)
    address = request_url(request.id)
    run = request.evidence.get("run") or {}
    return DecisionBar(
        decide_url=f"{address}decisions/",
        binding=request.evidence_digest,
        kind=request.kind,
        edit_url=f"{address}edit/" if editable else "",
        may_respond=request.kind == RequestKind.ACTION,
        why_not=late or refusal(user, request),
        note=_note(request),
        steps=run.get("limit") if request.kind == RequestKind.BUDGET else None,
        minutes=minutes_of(request),
        budget=budget_of(request),
        answer=unsent,
    )


def _note(request: Request) -> str:
    if request.kind == RequestKind.BUDGET:
        return note_of(request)
    if request.kind == RequestKind.SETTLE:
        return "Nothing is retried by itself."
    if request.quorum > 1:
        return f"{request.approvals} of {request.quorum} approvals so far."
    return ""


def _arguments(evidence: dict[str, Any], around: Surroundings) -> list[Argument]:
    arguments = (evidence.get("action") or {}).get("arguments") or {}
    leaves = evidence.get("provenance") or []
    if not leaves:
        return [Argument(name=label_of([name]), value=value) for name, value in arguments.items()]
    trust = {f"{read['tool']} (step {read['step']})": read["trust"] for read in evidence.get("reads") or []}
    trust |= {p["label"]: p["trust"] for read in evidence.get("reads") or [] for p in read.get("passages") or []}
    trust["ticket"] = "untrusted"
    return [_argument(leaf, arguments, trust, around.people) for leaf in leaves]


def _argument(leaf: dict[str, Any], arguments: Any, trust: dict[str, str], people: dict[str, str]) -> Argument:
    otherwise = "trusted" if leaf["trusted"] else "untrusted"
    found = [Source(label=_source_name(label, people), trust=trust.get(label, otherwise)) for label in leaf["sources"]]
    names, value = place_of(leaf, arguments)
    if len(names) == 1 and currency_of(arguments) and (said := in_words(arguments)[names[0]]) != value:
        value = f"{value} ({said})"
    return Argument(name=label_of(names), value=value, sources=found, coincidental=leaf["coincidence"])


def _source_name(label: str, people: dict[str, str]) -> str:
    named = PERSON.fullmatch(label)
    return people.get(named.group(1), "a person") if named else label


def place_of(leaf: dict[str, Any], arguments: Any) -> tuple[list[str | int], Any]:
    """Return the names that lead to a leaf and its whole value; its recorded excerpt where the path is a key's."""
    names: list[str | int] = []
    value = arguments
    for token in leaf["path"].split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            step = int(name) if isinstance(value, list) else name
            value = value[step]
            names.append(step)
        except (KeyError, IndexError, TypeError, ValueError):
            return [*names, name], leaf["value"][:MAX_EXCERPT]
    return names, value


def _changes(before: Any, after: Any) -> list[differences.FieldDiff]:
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        return []
    return differences.fields(in_words(before), in_words(after))


def _confidence(figures: dict[str, int]) -> Confidence | None:
    """Return what was measured and what was stated; None for evidence from before either was kept."""
    if not figures:
        return None
    known = [(name, figures.get(key, -1), means.get(figures.get(key), means[None])) for key, name, means in MEASURED]
    stated = figures.get("stated", -1)
    return Confidence(measured=[row for row in known if row[1] >= 0], stated=None if stated < 0 else stated)


def _reasons(request: Request) -> list[Reason]:
    rules = request.evidence.get("rules")
    if not rules:
        return [Reason(rule="", sentence=sentence, outcome="review") for sentence in request.reasons]
    return [Reason(rule=r["rule"], sentence=r["reason"] or r["error"], outcome=r["outcome"]) for r in rules]


def _quorum(request: Request) -> Quorum:
    return Quorum(
        queue=request.queue.title,
        needed=request.quorum,
        approvals=request.approvals,
        expires_at=request.expires_at,
        on_expiry=UNDECIDED[ExpiryDoes(request.on_expiry)],
    )


def _revision(request: Request, around: Surroundings) -> dict[str, Any]:
    evidence = request.evidence
    drift, revised = evidence.get("drift"), evidence.get("revises")
    found: dict[str, Any] = {}
    if drift:
        found["drift"] = differences.fields(in_words(drift.get("before")), in_words(drift.get("now")))
    if revised and evidence.get("action"):
        found["revision"] = differences.fields(revised["arguments"], evidence["action"]["arguments"])
        found["revised_by"] = str(around.edit.user) if around.edit else "a reviewer"
        found["original_url"] = request_url(around.edit.request_id) if around.edit else ""
    return found


def _evidence(evidence: dict[str, Any], around: Surroundings) -> dict[str, Any]:
    action = evidence.get("action") or {}
    named = [
        ("Arguments", action.get("arguments_digest", "")),
        ("Binding", action.get("binding", "")),
        ("Idempotency key", action.get("idempotency_key", "")),
    ]
    return {
        "ticket": _ticket(evidence, around.people),
        "reads": [_read(read) for read in evidence.get("reads") or []],
        "words": _words(evidence.get("model_words") or {}),
        "conversation": [_said(message) for message in evidence.get("conversation") or []],
        "remembered": [_fact(fact) for fact in evidence.get("facts") or []],
        "siblings": [_sibling(one, around) for one in evidence.get("siblings") or []],
        "digests": [(name, value) for name, value in named if value],
    }


def _ticket(evidence: dict[str, Any], people: dict[str, str]) -> Ticket | None:
    ticket = evidence.get("ticket")
    if not ticket or not ticket.get("text"):
        return None
    person = people.get(ticket.get("started_by", ""), "")
    return Ticket(text=ticket["text"], sender=sender(ticket["source"], person), received_at=_time(ticket))


def _read(read: dict[str, Any]) -> Read:
    asked = ", ".join(f"{label_of([name])} {short(value)}" for name, value in (read.get("arguments") or {}).items())
    title = f"{read['title']}: {asked}" if asked else read["title"]
    passages = [_passage(passage) for passage in read.get("passages") or []]
    shown = None if passages else read["result"]
    return Read(title=title, tool=read["tool"], data=shown, trust=read["trust"], at=_time(read), passages=passages)


def _passage(one: dict[str, Any]) -> Passage:
    return Passage(
        document=one["document"],
        headings=" › ".join(one["heading_path"]),
        place=f"characters {one['start']:,} to {one['end']:,}",
        trust=one["trust"],
        text=one["text"],
        source=one["source"],
        chunk=one["chunk_id"],
        digest=one["digest"],
        url=passage_url(one["document_id"], one["chunk_id"]) if one.get("document_id") else "",
    )


def _words(said: dict[str, Any]) -> list[Words]:
    text = "\n\n".join(part for part in (said.get("reasoning"), said.get("text")) if part)
    model = said.get("model") or "a model"
    return [Words(text=text, model=model, at=_time(said), demo=said.get("demo", False))] if text else []


def _said(message: dict[str, Any]) -> Said:
    return Said(source=message["source"], trust=message["trust"], text=message["text"], at=_time(message))


def _fact(fact: dict[str, Any]) -> Remembered:
    said = short(fact["value"])
    return Remembered(key=fact["key"], value=said, trust=fact["trust"], source=fact["source"], at=_time(fact))


def _sibling(one: dict[str, Any], around: Surroundings) -> Sibling:
    status, asked = around.siblings.get(one["action"], (one["status"], ""))
    return Sibling(title=one["tool"], status=status, url=request_url(asked) if asked else "")


def _time(part: dict[str, Any]) -> Any:
    return parse_datetime(part["at"]) if part.get("at") else None


def _version(request: Request, around: Surroundings) -> str:
    """Return a digest of everything on the page that may move while somebody looks at it."""
    action = request.action
    moving: list[Any] = [request.status, request.approvals, request.expires_at <= timezone.now()]
    moving += [[str(one.id) for one in request.decisions.all()], [[str(a.id), a.outcome] for a in around.attempts]]
    moving += [action.status if action else "", around.siblings]
    moving += [str(one.pk) + one.status if one else "" for one in (around.successor, around.revision, around.doubt)]
    return digest(moving)[:16]
