"""One line an event: JSON for machines, colour for people; whatever looks like a secret is left out."""

import logging.config
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("password", "secret", "token", "authorization", "api_key", "apikey", "cookie", "credential")
HIDDEN = "(hidden)"


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that are named like secrets, at any depth."""
    for key, value in event.items():
        event[key] = HIDDEN if _is_secret(key) else _cleaned(value)
    return event


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(key) else _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


def _is_secret(key: object) -> bool:
    return any(word in str(key).lower() for word in SECRET_WORDS)


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    hide_secrets,
]


def configuration(*, level: str, for_people: bool) -> dict[str, Any]:
    """Return the ``logging`` configuration: everything to standard error, standard loggers included."""
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if for_people:
        last.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))  # shows no locals
    else:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": last,
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"propagate": True, "handlers": []},
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply ``settings`` to ``logging`` and send structlog's own events through the same handlers."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
