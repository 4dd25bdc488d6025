"""The OpenAPI description's problems: the answers of every endpoint when something is wrong."""

from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457: what is wrong, and what to do next.",
    "required": ["type", "title", "status", "code", "detail", "hint"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs decide by it."},
        "detail": {"type": "string", "description": "What is wrong, in a sentence."},
        "hint": {"type": "string", "description": "What to do next."},
        "errors": {
            "type": "object",
            "description": "Sentences by the dotted path of a field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add to every operation the answers that it gives when something is wrong (a drf-spectacular hook)."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        for method in METHODS:
            if method in operations:
                for status in _statuses(path, method, operations[method]):
                    operations[method]["responses"].setdefault(status, _answer())
    return result


def _statuses(path: str, method: str, described: dict[str, Any]) -> list[str]:
    found = {"400", "401", "403", "429"}
    if "{" in path or method != "get":
        found.add("404")
    if method != "get":
        found |= {"409", "413", "415", "422"}
    if any(parameter["in"] == "query" for parameter in described.get("parameters", [])):
        found.add("422")
    return sorted(found)


def _answer() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "A problem", "content": {"application/problem+json": {"schema": schema}}}
