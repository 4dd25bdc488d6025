"""Registers the approvals floor with Django, and the gate with the tools floor."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    label = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from approvals.metrics import measured
        from approvals.operations.clearing import PolicyGate
        from audit.metrics import register
        from tools.ports import register_gate

        register(measured)
        register_gate(PolicyGate())
