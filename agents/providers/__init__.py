"""Calling models: one request, one whole answer, whoever provides it.

``complete(endpoint, request)`` is all that the engine needs; ``pricing`` says what it costs and ``errors`` what to do
when there is no answer. Importing this package imports no SDK.
"""

from agents.providers.base import (
    AssistantTurn,
    Endpoint,
    Message,
    ModelAnswer,
    ModelRequest,
    Provider,
    Stop,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    UserText,
    answer_from_json,
    answer_to_json,
    message_from_json,
    message_to_json,
    request_from_json,
    request_to_json,
)
from agents.providers.errors import ModelError, RetryClass
from agents.providers.registry import complete

__all__ = [
    "AssistantTurn",
    "Endpoint",
    "Message",
    "ModelAnswer",
    "ModelError",
    "ModelRequest",
    "Provider",
    "RetryClass",
    "Stop",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "Usage",
    "UserText",
    "answer_from_json",
    "answer_to_json",
    "complete",
    "message_from_json",
    "message_to_json",
    "request_from_json",
    "request_to_json",
]
