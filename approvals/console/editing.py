"""The page on which somebody writes their own version of an action's arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from approvals.console.memo import memo
from approvals.errors import MayNotDecide
from approvals.form_fields import ABSENT
from approvals.forms import ArgumentsForm, form_for
from approvals.models import Request
from approvals.states import RequestKind
from workspaces.console.links import request_url
from workspaces.models import User


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says: above the fields, and on its buttons."""

    heading: str
    lead: str
    send: str
    leave: str
    reason: bool = True


EDITING: Final = Words(
    "Edit the arguments",
    "Your version becomes a new action and is checked like any other. The agent is told what you changed.",
    "Propose this version",
    "Back without a change",
)
FILLING: Final = Words(
    "Fill in the form",
    "The workflow waits for it and goes on with what you write. Whoever fills it in may not decide on what follows.",
    "Send the answers",
    "Back without an answer",
    reason=False,
)


def form_of(request: Request, data: Mapping[str, Any] | None) -> ArgumentsForm:
    """Return the form of a request: over the arguments of its action, or the empty one that a workflow asks for."""
    if request.kind == RequestKind.FORM:
        return form_for(_needed_first(request.evidence["form"]["schema"]), {}, data)
    action = request.action
    if action is None:
        raise MayNotDecide("There is nothing to edit about this request.", "Decide on it as it is.")
    return form_for(action.tool.input_schema, action.arguments, data)


def _needed_first(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a form's schema with the fields that have to be filled in before the others: rows keep no other order."""
    fields: dict[str, Any] = schema.get("properties", {})
    needed = [name for name in schema.get("required", ()) if name in fields]
    return {**schema, "properties": {name: fields[name] for name in dict.fromkeys([*needed, *fields])}}


def edit_context(request: Request, user: User, form: ArgumentsForm, *, reason: str = "") -> dict[str, Any]:
    """Return the context of the form: each field beside the value that the agent proposed, where it was changed."""
    for name in [*form.fields][:1]:
        form.fields[name].widget.attrs["autofocus"] = True
    return {
        "page": memo(request, user),
        "form": form,
        "fields": [(form[name], _was(form, name), None) for name in form.fields],
        "binding": request.evidence_digest,
        "words": FILLING if request.kind == RequestKind.FORM else EDITING,
        "reason": reason,
        "cancel_url": request_url(request.id),
    }


def _was(form: ArgumentsForm, name: str) -> str | None:
    """Return the text that the field showed at first; None where the agent proposed no value."""
    field = form.fields[name]
    return None if getattr(field, "original", ABSENT) is ABSENT else str(field.initial)
