"""Connection kind ``model``: where a model endpoint's address and key are kept. It has no operations for agents."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tools.connectors.base import Operation, Target

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class ModelConnector:
    """Holds an API key; models are called by the engine's model steps, never as tools."""

    kind: ClassVar[str] = "model"
    title: ClassVar[str] = "Model endpoint"
    config_schema: ClassVar[dict[str, Any]] = {
        "$schema": DIALECT,
        "type": "object",
        "properties": {"base_url": {"type": "string", "maxLength": 500}},
        "additionalProperties": False,
    }
    secret_schema: ClassVar[dict[str, Any]] = {
        "$schema": DIALECT,
        "type": "object",
        "properties": {"api_key": {"type": "string", "minLength": 1, "maxLength": 1000}},
        "additionalProperties": False,
    }
    operations: ClassVar[Mapping[str, Operation]] = {}

    def check(self, target: Target) -> str:
        """Say what can be said without spending anything: a key is there or not."""
        return (
            "A key is kept." if target.secret.get("api_key") else "No key is kept; the endpoint is called without one."
        )
