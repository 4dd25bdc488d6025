"""Registers the memory floor with Django, and its built-in connectors with the tools floor."""

from django.apps import AppConfig


class MemoryConfig(AppConfig):
    name = "memory"
    label = "memory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from memory.connectors.knowledge import KnowledgeConnector
        from memory.connectors.remembering import MemoryConnector
        from memory.embedding_endpoint import register_endpoint
        from tools.connectors.registry import register

        register(KnowledgeConnector(), builtin=True)
        register(MemoryConnector(), builtin=True)
        register_endpoint()
