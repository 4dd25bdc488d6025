"""The text formats of JSON Schema that are checked; the others are hints only."""

import ipaddress
from datetime import date, datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from jsonschema import FormatChecker

FORMATS = FormatChecker(formats=())
_check_email = EmailValidator()


@FORMATS.checks("email", raises=ValidationError)
def is_email(value: object) -> bool:
    if isinstance(value, str):
        _check_email(value)
    return True


@FORMATS.checks("date", raises=ValueError)
def is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and date.fromisoformat(value) is not None)


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or (
        "T" in value.upper() and datetime.fromisoformat(value.upper()).tzinfo is not None
    )


@FORMATS.checks("uuid", raises=ValueError)
def is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@FORMATS.checks("uri", raises=ValueError)
def is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and (parts.netloc or parts.path)) and value.isprintable() and " " not in value


@FORMATS.checks("ipv4", raises=ValueError)
def is_ipv4(value: object) -> bool:
    return not isinstance(value, str) or ipaddress.IPv4Address(value) is not None


@FORMATS.checks("ipv6", raises=ValueError)
def is_ipv6(value: object) -> bool:
    return not isinstance(value, str) or ipaddress.IPv6Address(value) is not None
