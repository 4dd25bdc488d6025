"""A request as a memo: the frozen evidence and the rows around it, put into the order in which a person reads."""

import json
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from approvals.console.history import history
from approvals.console.surroundings import PERSON, Surroundings, surroundings
from approvals.diffs import label_of
from approvals.models import Request
from approvals.permissions import refusal
from approvals.sentences import UNDO
from approvals.states import RequestKind, RequestStatus
from tools.provenance import MAX_EXCERPT
from tools.states import Effect
from workspaces.console import differences
from workspaces.console.links import INBOX, agent_url, request_url, run_url
from workspaces.console.shapes import (
    Argument,
    DecisionBar,
    Facts,
    Quorum,
    Read,
    Reason,
    RequestPage,
    Said,
    Sibling,
    Source,
    Ticket,
    Unsent,
    Words,
)
from workspaces.models import User

MAX_NAMED: Final = 60
TIME_IS_UP: Final = "The time for this request has run out."


def memo(request: Request, user: User, unsent: Unsent | None = None) -> RequestPage:
    """Return the page of ``request`` for ``user``; ``unsent`` is an answer of theirs that was not taken."""
    around = surroundings(request, user)
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
        bar=_bar(request, user, unsent),
        digest=request.evidence_digest,
        tool=action.get("tool", ""),
        arguments=_arguments(evidence, around),
        exact=action.get("arguments"),
        changes=_changes(evidence.get("before"), evidence.get("predicted")),
        reasons=_reasons(request),
        quorum=_quorum(request),
        probe=(evidence.get("probe") or {}).get("sentence", ""),
        back_url=INBOX,
        cost=around.cost,
        currency="USD",
        history=history(around),
        **_revision(request, around),
        **_evidence(evidence, around),
        **_end(request, around),
    )


def _facts(request: Request) -> Facts:
    evidence = request.evidence
    action = evidence.get("action")
    if action is None:
        return Facts(does=str(evidence.get("sentence") or request.title).rstrip("."), effect="")
    target, values = _named(action, evidence.get("before"), evidence.get("predicted"))
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


def _named(action: dict[str, Any], before: Any, after: Any) -> tuple[str, list[str]]:
    """Return which object it is about, and what of it would change or be sent: short values only, by name."""
    arguments = action["arguments"]
    if isinstance(before, dict) and isinstance(after, dict):
        same = [name for name, value in arguments.items() if before.get(name) == value]
        moved = [name for name in after if before.get(name) != after[name]]
        changed = [f"{label_of([n])} {_short(before.get(n))} → {_short(after[n])}" for n in moved]
        return ", ".join(f"{label_of([n])} {_short(arguments[n])}" for n in same), changed
    needed = [name for name in (action.get("schema") or {}).get("required", []) if name in arguments]
    order = list(dict.fromkeys([*needed, *arguments]))
    short = [n for n in order if not isinstance(arguments[n], dict | list) and len(str(arguments[n])) <= MAX_NAMED]
    named = [f"{label_of([n])} {_short(arguments[n])}" for n in short]
    return (named[0], named[1:4]) if named else ("", [])


def _short(value: Any) -> str:
    if value is None or value == "":
        return "empty"
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= MAX_NAMED else text[: MAX_NAMED - 1] + "…"


def _bar(request: Request, user: User, unsent: Unsent | None) -> DecisionBar | None:
    if request.status != RequestStatus.OPEN:
        return None
    late = TIME_IS_UP if request.expires_at <= timezone.now() else ""
    about_action = request.kind == RequestKind.ACTION
    address = request_url(request.id)
    run = request.evidence.get("run") or {}
    return DecisionBar(
        decide_url=f"{address}decisions/",
        binding=request.evidence_digest,
        kind=request.kind,
        edit_url=f"{address}edit/" if about_action else "",
        may_respond=request.kind in {RequestKind.ACTION, RequestKind.FORM},
        why_not=late or refusal(user, request),
        note=_note(request),
        steps=run.get("limit") if request.kind == RequestKind.BUDGET else None,
        answer=unsent,
    )


def _note(request: Request) -> str:
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
    trust["ticket"] = "untrusted"
    return [_argument(leaf, arguments, trust, around.people) for leaf in leaves]


def _argument(leaf: dict[str, Any], arguments: Any, trust: dict[str, str], people: dict[str, str]) -> Argument:
    otherwise = "trusted" if leaf["trusted"] else "untrusted"
    found = [Source(label=_source_name(label, people), trust=trust.get(label, otherwise)) for label in leaf["sources"]]
    names, value = _at(leaf, arguments)
    return Argument(name=label_of(names), value=value, sources=found, coincidental=leaf["coincidence"])


def _source_name(label: str, people: dict[str, str]) -> str:
    named = PERSON.fullmatch(label)
    return people.get(named.group(1), "a person") if named else label


def _at(leaf: dict[str, Any], arguments: Any) -> tuple[list[str | int], Any]:
    """Return the names that lead to a leaf and its whole value; its recorded excerpt where the path is a key's."""
    names: list[str | int] = []
    value = arguments
    for token in leaf["path"].split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
            names.append(int(name) if isinstance(value, list) and name.isdigit() else name)
        except (KeyError, IndexError, TypeError, ValueError):
            return [*names, name], leaf["value"][:MAX_EXCERPT]
    return names, value


def _changes(before: Any, after: Any) -> list[differences.FieldDiff]:
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        return []
    return differences.fields(before, after)


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
        on_expiry=str(request.get_on_expiry_display()).lower(),
    )


def _revision(request: Request, around: Surroundings) -> dict[str, Any]:
    evidence = request.evidence
    drift, revised = evidence.get("drift"), evidence.get("revises")
    found: dict[str, Any] = {}
    if drift:
        found["drift"] = differences.fields(drift.get("before"), drift.get("now"))
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
        "siblings": [_sibling(one, around) for one in evidence.get("siblings") or []],
        "digests": [(name, value) for name, value in named if value],
    }


def _ticket(evidence: dict[str, Any], people: dict[str, str]) -> Ticket | None:
    ticket = evidence.get("ticket")
    if not ticket or not ticket.get("text"):
        return None
    person = people.get(ticket.get("started_by", ""), "")
    sender = ", by ".join(part for part in (f"the {ticket['source']}" if ticket["source"] else "", person) if part)
    return Ticket(text=ticket["text"], sender=sender or "unknown", received_at=_time(ticket))


def _read(read: dict[str, Any]) -> Read:
    asked = ", ".join(f"{label_of([name])} {_short(value)}" for name, value in (read.get("arguments") or {}).items())
    title = f"{read['title']}: {asked}" if asked else read["title"]
    return Read(title=title, tool=read["tool"], data=read["result"], trust=read["trust"], at=_time(read))


def _words(said: dict[str, Any]) -> list[Words]:
    text = "\n\n".join(part for part in (said.get("reasoning"), said.get("text")) if part)
    model = said.get("model") or "a model"
    return [Words(text=text, model=model, at=_time(said), demo=said.get("demo", False))] if text else []


def _said(message: dict[str, Any]) -> Said:
    return Said(source=message["source"], trust=message["trust"], text=message["text"], at=_time(message))


def _sibling(one: dict[str, Any], around: Surroundings) -> Sibling:
    status, asked = around.siblings.get(one["action"], (one["status"], ""))
    return Sibling(title=one["tool"], status=status, url=request_url(asked) if asked else "")


def _time(part: dict[str, Any]) -> Any:
    return parse_datetime(part["at"]) if part.get("at") else None


def _end(request: Request, around: Surroundings) -> dict[str, Any]:
    """Return how a request that is over ended, and the way to what has taken its place."""
    if request.status == RequestStatus.OPEN:
        return {}
    decisions = list(request.decisions.all())
    by = f" by {decisions[-1].user}" if decisions else ""
    verb = "Edited" if decisions and decisions[-1].kind == "edit" else request.get_status_display()
    successor = around.successor
    return {
        "outcome": f"{verb}{by}. {request.explanation}".strip(),
        "successor_url": request_url(successor.id) if successor else "",
    }
