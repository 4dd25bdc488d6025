"""Who does something: a person, a service account, or a named part of Countersign itself."""

from dataclasses import dataclass

from workspaces.models.user import User


@dataclass(frozen=True, slots=True)
class System:
    """A part of Countersign that acts by itself, such as ``worker`` or ``sweep``."""

    name: str


Actor = User | System


def actor_text(by: Actor) -> str:
    """Return how the ledger names ``by``."""
    if isinstance(by, System):
        return f"system:{by.name}"
    return f"{'service' if by.is_service else 'user'}:{by.id}"
