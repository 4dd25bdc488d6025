"""The composition root as an app, so that its checks run with everybody else's."""

from django.apps import AppConfig


class RootConfig(AppConfig):
    """Registers the checks of the settings, and the Celery application by which every process sends its messages."""

    name = "config"

    def ready(self) -> None:
        from config import celery, checks  # noqa: F401 - both register themselves
