"""The root of every error that a person or a program is told about.

An error carries a stable ``code``, the HTTP status, one sentence that says what is wrong, and a hint that says what
to do next. It is rendered in two places only: the API's exception handler and the console's middleware.
"""

from typing import ClassVar


class DomainError(Exception):
    """Something asked for cannot be done; ``message`` and ``hint`` are read by the person who asked."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class InvalidInput(DomainError):
    """What was sent cannot be used; ``fields`` maps a field's name to its sentences."""

    code = "invalid_input"
    http_status = 422

    def __init__(self, message: str, hint: str = "", fields: dict[str, list[str]] | None = None) -> None:
        super().__init__(message, hint)
        self.fields = fields or {}


class Forbidden(DomainError):
    """The person may see the object but not do this to it."""

    code = "forbidden"
    http_status = 403


class NotFound(DomainError):
    """No such object in this workspace: the answer for absent and for foreign ids alike."""

    code = "not_found"
    http_status = 404


class StaleState(DomainError):
    """The object has moved on since it was read."""

    code = "stale_state"
    http_status = 409
    default_hint = "Load it again and decide on what is there now."


class TooLarge(DomainError):
    """More was sent than is accepted."""

    code = "too_large"
    http_status = 413


class Unavailable(DomainError):
    """A system that is needed does not answer."""

    code = "unavailable"
    http_status = 503


class Unauthenticated(DomainError):
    """Nobody said who they are, or it could not be believed."""

    code = "unauthenticated"
    http_status = 401


class InvalidKey(Unauthenticated):
    """An API key that opens nothing: wrong, expired, revoked, or of somebody who may not come in any more."""

    code = "invalid_key"


class MissingScope(Forbidden):
    """The account may do it, perhaps, but this key of it is not meant for that."""

    code = "missing_scope"


class Malformed(DomainError):
    """What was sent cannot be read at all."""

    code = "malformed"
    http_status = 400
