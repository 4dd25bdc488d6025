"""The admin's forms: what is typed goes to an operation, and what the operation refuses is said beside the field."""

import json
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest

from workspaces.access import owned_workspaces
from workspaces.canonical import sanitise
from workspaces.errors import DomainError, InvalidInput
from workspaces.models import Team, User, Workspace

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


def person(request: HttpRequest) -> User:
    """Return who is asking; the site lets nobody else in."""
    return cast(User, request.user)


def owned(request: HttpRequest) -> frozenset[UUID]:
    """Return the ids of the workspaces that the person owns, read once a request."""
    found: frozenset[UUID] | None = getattr(request, "owned_workspaces", None)
    if found is None:
        found = frozenset(owned_workspaces(person(request)).values_list("workspace_id", flat=True))
        cast(Any, request).owned_workspaces = found
    return found


def choices_for(request: HttpRequest, model: type[models.Model]) -> "models.QuerySet[Any]":
    """Return the rows of ``model`` that may be chosen: those of the workspaces that the person owns."""
    rows: models.QuerySet[Any] = model._default_manager.all()
    if issubclass(model, Workspace):
        return rows.filter(pk__in=owned(request))
    if issubclass(model, User):
        return rows.filter(memberships__workspace__in=owned(request), is_active=True).distinct()
    return rows.filter(workspace__in=owned(request))


class OperationForm(ModelForm):
    """A form whose contents go to an operation; ``refusal`` is what the operation said of them."""

    request: ClassVar[HttpRequest]
    refusal: ClassVar[DomainError | None] = None
    names: ClassVar[dict[str, str]] = {}
    """What the operation calls a field, and how it is called here, where that differs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = self._remembers(name, field)

    def _remembers(self, name: str, field: forms.Field) -> bool:
        """Say whether the page carries what the field showed: what is typed is told from what had been there."""
        if self.instance._state.adding or isinstance(field, SecretField | forms.FileField):
            return False
        return not self.is_bound or self.add_initial_prefix(name) in self.data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.refusal is not None:
            self._say(self.refusal)
        places = {value.workspace_id for value in cleaned.values() if getattr(value, "workspace_id", None)}
        places |= {value.pk for value in cleaned.values() if isinstance(value, Workspace)}
        if len(places) > 1:
            self.add_error(None, "What you chose belongs to different workspaces. Choose within one.")
        return cleaned

    def _say(self, refusal: DomainError) -> None:
        self.add_error(None, f"{refusal.message} {refusal.hint}".strip())
        for path, sentences in (refusal.fields if isinstance(refusal, InvalidInput) else {}).items():
            named, _, rest = path.partition("/")
            name = self.names.get(named, named)
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, f"{rest}: {sentence}" if rest else sentence)

    def _save_m2m(self) -> None:
        """Leave it to the operation."""


class AnyJsonField(forms.JSONField):
    """JSON to type; what no page can show (half a character) comes back escaped, as it was typed."""

    indent: ClassVar[int | None] = None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=sanitise(value) != value, indent=self.indent)


class JsonField(AnyJsonField):
    """A JSON object or list, indented; empty stands for an empty one."""

    indent = 2

    widget = forms.Textarea(attrs={"rows": 12, "cols": 90, "spellcheck": "false"})

    def __init__(self, *, empty: type[Any] = dict, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.empty = empty

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        found = self.empty() if found is None else found
        if not isinstance(found, self.empty):
            wanted = "an object in braces" if self.empty is dict else "a list in brackets"
            raise forms.ValidationError(f"This has to be {wanted}.")
        if sanitise(found) != found:
            raise forms.ValidationError("This holds NUL, half a character or a number beyond 2^53: send it as text.")
        return found


class WriteOnlyTextarea(forms.Textarea):
    """Shows nothing of what was typed before, also when the form comes back with errors."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class SecretField(JsonField):
    """A secret as a JSON object, write-only; None where nothing was typed."""

    widget = WriteOnlyTextarea(attrs={"rows": 4, "cols": 90, "autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: Any) -> Any:
        return None if not str(value or "").strip() else super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(str(data or "").strip())


class GrantForm(OperationForm):
    """Which team gets which right on which row."""

    team = forms.ModelChoiceField(Team.objects.none())
    right = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        target = self._meta.model._meta.get_field("content_object").related_model
        rights = [(f"view_{target._meta.model_name}", f"Can see this {target._meta.verbose_name}")]
        fields: Any = self.fields
        fields["team"].queryset = choices_for(self.request, Team)
        fields["right"].choices = [*rights, *target._meta.permissions]
