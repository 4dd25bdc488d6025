"""The one way to call a model."""

from agents.providers import demo
from agents.providers.base import Endpoint, ModelAnswer, ModelRequest, Provider
from agents.providers.collector import OnDelta
from agents.providers.tracing import traced_model_call
from workspaces.errors import InvalidInput


@traced_model_call
def complete(endpoint: Endpoint, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelAnswer:
    """Ask one model once and return its whole answer.

    Exactly one request is sent, and it ends within ``endpoint.deadline_seconds``. ``on_delta`` receives the text's
    pieces as they arrive; an error afterwards means that they count for nothing. Raises ``ModelError``. Hold no
    database connection while calling. The SDKs are imported on first use only: they are large.
    """
    if endpoint.provider == Provider.DEMO:
        return demo.complete(request, on_delta)
    if endpoint.provider == Provider.OPENAI_RESPONSES:
        from agents.providers import openai_responses

        return openai_responses.complete(endpoint, request, on_delta)
    if endpoint.provider == Provider.OPENAI_CHAT:
        from agents.providers import openai_chat

        return openai_chat.complete(endpoint, request, on_delta)
    if endpoint.provider == Provider.ANTHROPIC_MESSAGES:
        from agents.providers import anthropic_messages

        return anthropic_messages.complete(endpoint, request, on_delta)
    known = ", ".join(Provider.values)
    raise InvalidInput(f"The provider {endpoint.provider!r} is not known.", f"Choose one of: {known}.")
