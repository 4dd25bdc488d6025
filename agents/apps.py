"""Registers the agents floor with Django, and what it implements for the floors below."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    label = "agents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from agents import receivers  # noqa: F401 - connects the signals
        from agents.context import RunContext
        from agents.erasing import WrittenDown
        from agents.memories import Runs
        from agents.metrics import measured
        from agents.providers.connector import ModelConnector
        from agents.workflows.builtin import register_all
        from approvals.ports import register_context_source
        from audit.metrics import register as register_metrics
        from memory.ports import register_copies, register_run_source
        from tools.connectors.registry import register

        register_metrics(measured)
        register_context_source(RunContext())
        register_run_source(Runs())
        register_copies(WrittenDown())
        register(ModelConnector())
        register_all()
