"""What agents remember: the list, one fact, correcting and forgetting it. The right is that of steering the agent."""

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from agents.console.fact_rows import fact_page, fact_rows, spoken
from agents.console.found import agents_of
from agents.models import Agent
from agents.operations.facts import correct_fact
from agents.operations.facts import forget as forget_everywhere
from memory.models import Fact
from memory.operations.facts import LONGEST_VALUE
from memory.states import FactStatus
from workspaces.console.asking import person_of
from workspaces.console.links import FACTS, fact_url
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.once import FIELD, once
from workspaces.console.run_shapes import Filter
from workspaces.console.words import look
from workspaces.errors import Forbidden, InvalidInput

KINDS: Final = [("text", "a text"), ("number", "a number"), ("truth", "true or false"), ("nothing", "true no more")]


def facts_of(request: HttpRequest) -> QuerySet[Fact]:
    """Return what the agents of the current workspace remember that this person may see."""
    return Fact.objects.filter(agent_id__in=agents_of(request).values("id"))


def fact_or_404(request: HttpRequest, fact_id: UUID) -> Fact:
    """Return one fact."""
    found = facts_of(request).filter(pk=fact_id).first()
    if found is None:
        raise Http404
    return found


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the facts, newest first; without a choice, those that hold."""
    chosen = {name: asked(request, name) for name in ("subject", "agent", "status")}
    rows = facts_of(request)
    if chosen["subject"]:
        rows = rows.filter(_about(chosen["subject"]))
    if chosen["agent"]:
        rows = rows.filter(agent_id__in=agents_of(request).filter(name=chosen["agent"]).values("id"))
    if chosen["status"] in FactStatus.values:
        rows = rows.filter(status=chosen["status"])
    found, pager = page_of(request, rows.order_by("-recorded_at", "-id"))
    words = [(value, look("fact", value).word) for value in FactStatus.values]
    context = {
        "facts": fact_rows(found),
        "pager": pager,
        "filters": [
            Filter(name="subject", label="About", value=chosen["subject"]),
            choice("agent", "Agent", agents_of(request).order_by("name").values_list("name", "title"), chosen["agent"]),
            choice("status", "State", words, chosen["status"]),
        ],
        "clear_url": FACTS if any(chosen.values()) else "",
    }
    return render(request, "agents/facts.html", context)


def _about(subject: str) -> Q:
    """Return the condition for a subject as pages name it ("customer C-1042"), or for a part of its reference."""
    kind, _, ref = subject.partition(" ")
    named = Q(subject_kind=kind, subject_ref__iexact=ref.strip()) if ref else Q()
    return named | Q(subject_ref__icontains=subject) if ref else Q(subject_ref__icontains=subject)


class Correction(forms.Form):
    """What is true instead: what kind of value, and the value as it is typed."""

    kind = forms.ChoiceField(label="It is", choices=KINDS)
    value = forms.CharField(
        label="What is true instead",
        required=False,
        max_length=LONGEST_VALUE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Your word is trusted. Leave it empty where nothing is true any more.",
    )

    def clean(self) -> dict[str, Any]:
        """Put the value itself, of its type, under ``said``; None says that it is true no more."""
        values = super().clean() or self.cleaned_data
        kind, typed = values.get("kind"), values.get("value", "").strip()
        said, wrong = READINGS[kind](typed) if kind in READINGS and "value" in values else (None, "")
        if wrong:
            self.add_error("value", wrong)
        values["said"] = said
        return values


def _text(typed: str) -> tuple[Any, str]:
    return typed, "" if typed else "Write what is true instead, or choose “true no more”."


def _number(typed: str) -> tuple[Any, str]:
    try:
        found = json.loads(typed, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    right = isinstance(found, int | float) and not isinstance(found, bool)
    return found, "" if right else "Write a number, such as 42 or 3.5."


def _truth(typed: str) -> tuple[Any, str]:
    return typed.lower() == "true", "" if typed.lower() in ("true", "false") else "Write true or false."


def _no_number(name: str) -> float:
    raise ValueError(name)


READINGS: Final[dict[str, Callable[[str], tuple[Any, str]]]] = {"text": _text, "number": _number, "truth": _truth}
"""How what is typed is read, by kind: the value, and what is wrong with it."""


@require_safe
def show(request: HttpRequest, fact_id: UUID) -> HttpResponse:
    """Show one fact, its history and where it came from."""
    fact = fact_or_404(request, fact_id)
    return _shown(request, fact, Correction(initial={"kind": _kind(fact.value), "value": spoken(fact.value)}))


def _kind(value: object) -> str:
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _shown(request: HttpRequest, fact: Fact, form: Correction, status: int = 200) -> HttpResponse:
    context = {"page": fact_page(request, fact), "form": form, "once_key": request.POST.get(FIELD, "")}
    return render(request, "agents/fact.html", context, status=status)


@require_http_methods(["POST"])
def correct(request: HttpRequest, fact_id: UUID) -> HttpResponseBase:
    """Say what is true instead."""
    fact, form = fact_or_404(request, fact_id), Correction(request.POST)
    _check_right(request, fact, "correct")
    if not form.is_valid():
        return _shown(request, fact, form, 422)
    said = form.cleaned_data["said"]
    try:
        led_to = once(request, lambda: fact_url(correct_fact(fact_id=fact.id, value=said, by=person_of(request)).id))
    except InvalidInput as error:
        form.add_error("value", f"{error.message} {error.hint}")
        return _shown(request, fact, form, error.http_status)
    messages.success(request, "Noted: this is true no more." if said is None else "Corrected: this holds from now on.")
    return redirect(led_to)


@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: HttpRequest, fact_id: UUID) -> HttpResponse:
    """Ask whether the fact is to be forgotten, and forget it; the answer is the receipt, which is shown once."""
    fact = fact_or_404(request, fact_id)
    _check_right(request, fact, "forget")
    context: dict[str, Any] = {"row": fact_rows([fact])[0], "back_url": fact_url(fact.id)}
    if request.method != "POST":
        return render(request, "agents/fact_forget.html", context)
    receipt = forget_everywhere(fact_id=fact.id, by=person_of(request))
    answer = render(request, "agents/fact_forgotten.html", {"receipt": receipt, "facts_url": FACTS})
    answer["Cache-Control"] = "no-store"
    return answer


def _check_right(request: HttpRequest, fact: Fact, what: str) -> None:
    if not Agent.objects.controllable_by(person_of(request)).filter(pk=fact.agent_id).exists():
        raise Forbidden(f"You may not {what} what this agent remembers.", "Ask an owner to grant it to your team.")
