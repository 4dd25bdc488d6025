"""Traces of runs: spans by OpenTelemetry's conventions for generative AI, exported by OTLP over HTTP.

Where no ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set nothing of OpenTelemetry is imported, and each place that could make a
span costs one look at a setting. A run is one trace, whichever workers carry it and however long it waits: the trace's
id, and those of the run's and the steps' spans, are computed from our own ids. Content (what people, models and tools
said) stays out unless ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` asks for it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from django.conf import settings

Value = str | int | float | bool | list[str] | None


class Span(Protocol):
    """What can be said of a piece of work while it is done; None is left out."""

    def note(self, **attributes: Value) -> None:
        """Set attributes; ``__`` in a name stands for a dot."""

    def content(self, name: str, value: Callable[[], Any]) -> None:
        """Set what somebody said where the settings allow content at all: a text as it is, anything else as JSON."""

    def fail(self, kind: str) -> None:
        """Say that the work failed, and of what kind the failure is; never in whose words."""


class Nothing:
    """The span of an installation that exports none."""

    def note(self, **attributes: Value) -> None: ...

    def content(self, name: str, value: Callable[[], Any]) -> None: ...

    def fail(self, kind: str) -> None: ...


NOTHING: Final = Nothing()


def is_on() -> bool:
    """Say whether spans are exported."""
    return bool(settings.TRACES_ENDPOINT)


@contextmanager
def span(
    name: str, attributes: Mapping[str, Value], *, run_id: UUID | None = None, key: str = "", calls_out: bool = False
) -> Iterator[Span]:
    """Make a span of what is done meanwhile.

    It belongs to ``run_id``'s trace, below the span that is open there in this thread, or else below the run's own.
    Without a run it belongs below whatever is open. ``key`` names it, so that others can compute its id. An error
    that passes ends it as failed, with the error's kind.
    """
    if not is_on():
        yield NOTHING
        return
    from audit.telemetry.exporting import opened

    with opened(name, attributes, run_id=run_id, key=key, calls_out=calls_out) as made:
        try:
            yield made
        except Exception as error:
            made.fail(type(error).__qualname__)
            raise


def run_is_over(
    run_id: UUID,
    name: str,
    attributes: Mapping[str, Value],
    *,
    began_at: datetime,
    ended_at: datetime,
    failed: str = "",
    follows: UUID | None = None,
) -> None:
    """Export the span of a whole run, the root of its trace; ``follows`` is a run that it undoes, and is linked to."""
    from audit.telemetry.exporting import whole

    whole(run_id, name, attributes, began_at=began_at, ended_at=ended_at, failed=failed, follows=follows)


def present(attributes: Mapping[str, Value]) -> dict[str, Any]:
    """Return the attributes that are known, by their dotted names."""
    return {name.replace("__", "."): value for name, value in attributes.items() if value not in (None, "")}
