"""The OpenTelemetry SDK, imported with the first span of a process that exports any."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.re import parse_env_headers

from audit.telemetry import Value, present
from audit.telemetry.openinference import KIND, also, kind_of

SCHEMA: Final = "https://opentelemetry.io/schemas/1.41.0"
"""The release of the conventions whose names we use; those for generative AI are still in development."""

INHERITED: Final = ("gen_ai.conversation.id", "gen_ai.agent.id", "gen_ai.agent.name", "countersign.run.id")
"""What a span says of itself because the one above it does: products look for these on each span."""

_next: ContextVar[tuple[int, int] | None] = ContextVar("_next", default=None)


class ComputedIds(RandomIdGenerator):
    """Gives the ids that are asked for beforehand, else random ones."""

    def generate_trace_id(self) -> int:
        """Return the trace's id; asked for a root only."""
        chosen = _next.get()
        return chosen[0] if chosen else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the span's id."""
        chosen = _next.get()
        return chosen[1] if chosen else super().generate_span_id()


@lru_cache(maxsize=1)
def provider() -> TracerProvider:
    """Return this process's provider; it exports in batches from a thread of its own, and once more at the end."""
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "countersign"}
    made = TracerProvider(resource=Resource.create(named), id_generator=ComputedIds())
    headers = parse_env_headers(settings.TRACES_HEADERS, liberal=True)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.TRACES_ENDPOINT, headers=headers)))
    return made


def tracer() -> trace.Tracer:
    """Return the tracer of all our spans."""
    return provider().get_tracer("countersign", schema_url=SCHEMA)


def trace_id(run_id: UUID) -> int:
    """Return the id of a run's trace: 128 bits of a digest, since samplers take an id's bits for random ones."""
    return int.from_bytes(hashlib.sha256(b"trace:" + run_id.bytes).digest()[:16], "big")


def span_id(key: str) -> int:
    """Return the id of the span that is named ``key``."""
    return int.from_bytes(hashlib.sha256(b"span:" + key.encode()).digest()[:8], "big")


class Exported:
    """A span that will be exported."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: Value) -> None:
        """Set attributes."""
        self._span.set_attributes(also(present(attributes)))

    def content(self, name: str, value: Callable[[], Any]) -> None:
        """Set content where the settings allow it: a text as it is, anything else as JSON."""
        if settings.TRACES_CONTENT:
            said = value()
            text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
            self._span.set_attributes(also({name: text}))

    def fail(self, kind: str) -> None:
        """Mark the span as failed."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))


@contextmanager
def opened(
    name: str, attributes: Mapping[str, Value], *, run_id: UUID | None, key: str, calls_out: bool
) -> Iterator[Exported]:
    """Open a span in this thread, and end it."""
    where = _below(run_id)
    chosen = (0, span_id(key)) if key else None
    token = _next.set(chosen)
    try:
        kind = SpanKind.CLIENT if calls_out else SpanKind.INTERNAL
        span = tracer().start_span(name, where, kind, _said({**_inherited(where), **present(attributes)}))
    finally:
        _next.reset(token)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        yield Exported(span)


def whole(
    run_id: UUID,
    name: str,
    attributes: Mapping[str, Value],
    *,
    began_at: datetime,
    ended_at: datetime,
    failed: str,
    follows: UUID | None,
) -> None:
    """Make and end the root span of a run, with the times that its row has."""
    token = _next.set((trace_id(run_id), span_id(str(run_id))))
    try:
        links = [Link(_root(follows))] if follows else []
        said = _said(present(attributes))
        span = tracer().start_span(name, Context(), SpanKind.INTERNAL, said, links, _nanos(began_at))
    finally:
        _next.reset(token)
    if failed:
        Exported(span).fail(failed)
    span.end(_nanos(ended_at))


def _said(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a span begins with: its attributes by both names, and its kind."""
    return {**also(attributes), KIND: kind_of(attributes)}


def _inherited(where: Context | None) -> dict[str, Any]:
    """Return what the span above says for those below it too."""
    above = trace.get_current_span(where)
    said = above.attributes if isinstance(above, ReadableSpan) and above.attributes else {}
    return {name: said[name] for name in INHERITED if name in said}


def _below(run_id: UUID | None) -> Context | None:
    """Return the context to begin in: what is open here where that is of the run's trace, else the run itself."""
    if run_id is None or trace.get_current_span().get_span_context().trace_id == trace_id(run_id):
        return None
    return trace.set_span_in_context(NonRecordingSpan(_root(run_id)), Context())


def _root(run_id: UUID) -> SpanContext:
    """Return the place of a run's own span, which may not be made yet: whether it is sampled follows from its id."""
    own = trace_id(run_id)
    sampled = provider().sampler.should_sample(None, own, "run").decision.is_sampled()  # type: ignore[no-untyped-call]
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return SpanContext(own, span_id(str(run_id)), is_remote=True, trace_flags=flags)


def _nanos(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
