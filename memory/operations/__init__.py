"""Every write of the memory floor."""

from memory.operations.sessions import append_message, session_for

__all__ = ["append_message", "session_for"]
