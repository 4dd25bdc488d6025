"""Filters that several lists share."""

from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField


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
