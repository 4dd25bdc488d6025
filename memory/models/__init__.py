"""Sessions and their messages."""

from memory.models.session import Message, MessageRole, Session, Trust

__all__ = ["Message", "MessageRole", "Session", "Trust"]
