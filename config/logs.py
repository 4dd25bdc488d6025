"""One line an event: JSON for machines, colour for people; whom it is about stands in it, what was said does not."""

import logging.config
from collections.abc import Iterable
from typing import Any, Final

import structlog

from config.redaction import QuietArguments, Redaction, show_places, write_places

OURS: Final = ("config", "agents", "approvals", "memory", "tools", "audit", "workspaces")
QUIET: Final = {
    "httpx2": "WARNING",
    "httpcore2": "WARNING",
    "openai": "WARNING",
    "anthropic": "WARNING",
    "stripe": "WARNING",  # it logs whom was looked up
    "mail.log": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.app.trace": "WARNING",
    "uvicorn.access": "WARNING",  # it logs addresses with what was searched for; config.access says what was asked
}
"""Libraries that would log what they are given, or one line for each of ours."""


def configuration(*, level: str, for_people: bool, secrets: Iterable[str] = (), reveal: bool = False) -> dict[str, Any]:
    """Return the ``logging`` configuration: everything to standard error, standard loggers included.

    ``level`` is that of our own modules; libraries never go below INFO, since they write there what passes through
    them. ``secrets`` are taken out wherever they appear. ``reveal`` keeps the words of errors, for one's own machine.
    """
    quietly = structlog.processors.ExceptionRenderer(show_places)
    for_machines = structlog.processors.format_exc_info if reveal else quietly
    to_people = structlog.dev.plain_traceback if reveal else write_places  # neither shows locals
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if for_people:
        last += [Redaction(secrets), structlog.dev.ConsoleRenderer(exception_formatter=to_people)]
    else:
        last += [for_machines, Redaction(secrets), structlog.processors.JSONRenderer()]
    least = level if logging.getLevelName(level) > logging.INFO else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {} if reveal else {"quiet": {"()": QuietArguments}},
        "formatters": {
            "line": {"()": "structlog.stdlib.ProcessorFormatter", "processors": last, "foreign_pre_chain": SHARED}
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": [] if reveal else ["quiet"]}
        },
        "root": {"handlers": ["stderr"], "level": least},
        "loggers": {
            **{name: {"level": level} for name in OURS},
            **{name: {"level": least_of(quiet, least)} for name, quiet in QUIET.items()},
            **{name: {"propagate": True, "handlers": []} for name in ("django.server", "uvicorn", "uvicorn.error")},
        },
    }


SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def least_of(one: str, other: str) -> str:
    """Return the stricter of two levels."""
    return max(one, other, key=logging.getLevelName)


def configure(settings: dict[str, Any]) -> None:
    """Apply ``settings`` to ``logging`` and send structlog's own events through the same handlers."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
