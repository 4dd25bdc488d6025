"""Filters that several lists share."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework.filters import BooleanWidget


class InstantField(IsoDateTimeField):  # type: ignore[misc]  # untyped upstream
    """Reads a time with any offset as UTC: PostgreSQL knows offsets below 16 hours only."""

    def to_python(self, value: object) -> datetime | None:
        """Return the time in UTC; raise ``ValidationError`` for one outside of the calendar."""
        found: datetime | None = super().to_python(value)
        try:
            return found.astimezone(UTC) if found else None
        except OverflowError as error:
            raise ValidationError("Enter a time within the years 1 to 9999.") from error


class InstantFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]  # untyped upstream
    """Compares with a time."""

    field_class = InstantField


class AsSent(BooleanWidget):  # type: ignore[misc]  # untyped upstream
    """Keeps what is neither true nor false as it was sent, to be refused."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        found = super().value_from_datadict(data, files, name)
        return data.get(name) if found is None else found


class YesOrNo(forms.NullBooleanField):
    """True, false, or nothing sent."""

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # null: nothing was sent
        if value is None or isinstance(value, bool):
            return value
        raise ValidationError("Send true or false.")


class BooleanFilter(filters.BooleanFilter):  # type: ignore[misc]  # untyped upstream
    """Narrows by true or false."""

    field_class = YesOrNo

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=AsSent, **kwargs)
