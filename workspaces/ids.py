"""Primary keys: UUIDv7, ordered by time of birth (RFC 9562)."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """Return a new UUIDv7 as the standard library's type."""
    return UUID(int=_uuid7().int)
