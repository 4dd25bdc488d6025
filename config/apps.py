"""The composition root as an app, so that its checks run with everybody else's."""

from django.apps import AppConfig


class RootConfig(AppConfig):
    """Registers the checks of the settings."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401
