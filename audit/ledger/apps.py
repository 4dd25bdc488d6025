"""Registers the ledger floor with Django."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "audit.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from audit.ledger import checks  # noqa: F401
