"""The same once more in OpenInference's words, which products read that know those of OpenTelemetry in part only.

Phoenix before its release 15.10 shows nothing of a span without ``openinference.span.kind``; Langfuse and LangSmith
take a span's type from it, and the session from ``session.id``. The names are those of
https://arize-ai.github.io/openinference/spec/semantic_conventions.html.
"""

from collections.abc import Mapping
from typing import Any, Final

KIND: Final = "openinference.span.kind"
KINDS: Final = {"invoke_agent": "AGENT", "chat": "LLM", "execute_tool": "TOOL", "retrieval": "RETRIEVER"}
NAMES: Final = {
    "gen_ai.conversation.id": "session.id",
    "gen_ai.agent.name": "agent.name",
    "gen_ai.provider.name": "llm.provider",
    "gen_ai.request.model": "llm.model_name",
    "gen_ai.response.model": "llm.model_name",
    "gen_ai.tool.name": "tool.name",
    "gen_ai.usage.input_tokens": "llm.token_count.prompt",
    "gen_ai.usage.output_tokens": "llm.token_count.completion",
    "gen_ai.usage.cache_read.input_tokens": "llm.token_count.prompt_details.cache_read",
    "gen_ai.input.messages": "input.value",
    "gen_ai.output.messages": "output.value",
    "gen_ai.tool.call.arguments": "input.value",
    "gen_ai.tool.call.result": "output.value",
    "gen_ai.retrieval.query.text": "input.value",
    "gen_ai.retrieval.documents": "output.value",
}
COUNTED: Final = ("llm.token_count.prompt", "llm.token_count.completion")


def kind_of(attributes: Mapping[str, Any]) -> str:
    """Return the kind of the span that begins with these attributes."""
    return KINDS.get(str(attributes.get("gen_ai.operation.name")), "CHAIN")


def also(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with what OpenInference calls the same things."""
    said = {NAMES[name]: value for name, value in attributes.items() if name in NAMES}
    if all(name in said for name in COUNTED):
        said["llm.token_count.total"] = sum(said[name] for name in COUNTED)
    return {**attributes, **said}
