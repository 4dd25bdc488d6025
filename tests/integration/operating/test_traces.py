"""A run is one trace, read back from a collector that takes OTLP over HTTP and decodes what it is sent."""

import ast
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agents.engine import workers
from audit.telemetry import exporting
from memory import retrieval
from memory.models import Collection
from tests.integration.engine.conftest import talker
from tests.unit.repo.repository import named, written_by_people

__all__ = ["talker"]
pytestmark = pytest.mark.django_db
TICKET_WORDS = "marked words of the ticket"
MAIL_WORDS = "marked words of the mail"


class Collector(BaseHTTPRequestHandler):
    """Keeps the spans that it is sent, and under which headers."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, self.headers["Content-Type"], self.headers["x-key"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Collected:
    """What arrived."""

    def __init__(self, server):
        self.server = server

    def spans(self):
        exporting.provider().force_flush()
        found = []
        for path, kind, key, body in self.server.heard:
            assert (path, kind, key) == ("/v1/traces", "application/x-protobuf", "k-1")
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                named = {a.key: a.value.string_value for a in resource.resource.attributes}
                assert named["service.name"] == "countersign"
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found

    def all_text(self):
        return b"".join(body for *_, body in self.server.heard).decode(errors="replace")


@pytest.fixture
def collector(settings):
    server = HTTPServer(("127.0.0.1", 0), Collector)
    server.heard = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.TRACES_ENDPOINT = f"http://127.0.0.1:{server.server_port}/v1/traces"
    settings.TRACES_HEADERS = "x-key=k-1"
    exporting.provider.cache_clear()
    yield Collected(server)
    exporting.provider().shutdown()
    exporting.provider.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def another_process():
    """End this worker's incarnation and its exporter, as if the next step were taken elsewhere."""
    exporting.provider().shutdown()
    exporting.provider.cache_clear()
    workers.retire()


def attributes(span):
    said = {}
    for a in span.attributes:
        kind = a.value.WhichOneof("value")
        value = getattr(a.value, kind)
        said[a.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return said


def story(desk, talker, commits):
    """Play a ticket with two approvals between workers that know nothing of each other."""
    customer = desk.crm.anybody("standard")
    talker.calls(("crm.customer.find", {"email": customer["email"]}))
    mail = {"to": customer["email"], "subject": "Your tier", "body": MAIL_WORDS}
    talker.calls(("crm.customer.update", {"id": customer["id"], "tier": "gold"}), ("mail.reply", mail))
    talker.says("Done.")
    run = desk.start(f"Please upgrade {customer['email']} to tier gold. {TICKET_WORDS}")
    another_process()
    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.rest(run)
    another_process()
    desk.answer(desk.request_for(run, "mail.reply"), by=desk.cast.finance)
    with commits(execute=True):
        run = desk.rest(run)
    assert run.status == "succeeded", run.explanation
    return run


def test_a_run_is_one_trace_over_workers_and_waits(
    desk, talker, collector, django_capture_on_commit_callbacks, monkeypatch
):
    run = story(desk, talker, django_capture_on_commit_callbacks)
    spans = collector.spans()
    assert {span.trace_id for span in spans} == {exporting.trace_id(run.id).to_bytes(16, "big")}
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    roots = [span for span in spans if not span.parent_span_id]
    assert [root.name for root in roots] == [f"invoke_agent {run.agent.name}"]
    assert {span.parent_span_id for span in spans} <= {b"", *by_id}

    root = attributes(roots[0])
    assert (root["gen_ai.operation.name"], root["gen_ai.agent.name"]) == ("invoke_agent", run.agent.name)
    assert (root["countersign.run.id"], root["countersign.run.status"]) == (str(run.id), "succeeded")
    assert roots[0].start_time_unix_nano == int(run.created_at.timestamp() * 1e6) * 1000

    steps = [span for span in spans if span.name.startswith("step ")]
    assert {span.parent_span_id for span in steps} == {roots[0].span_id}
    assert {attributes(span)["countersign.step.id"] for span in steps} == {str(s.id) for s in run.steps.all()}

    calls = [span for span in spans if span.name == f"chat {talker.model}"]
    assert len(calls) == 3
    assert {by_id[span.parent_span_id].name for span in calls} == {"step model"}
    first = attributes(calls[0])
    assert first["gen_ai.provider.name"] == "openai"
    assert (first["gen_ai.usage.input_tokens"], first["gen_ai.usage.output_tokens"]) == (120, 30)
    assert first["gen_ai.usage.cache_read.input_tokens"] == 20
    assert (first["gen_ai.response.id"], first["gen_ai.response.finish_reasons"]) == ("resp_1", ["tool_call"])
    assert calls[0].kind == Span.SPAN_KIND_CLIENT

    done = {span.name: attributes(span) for span in spans if span.name.startswith("execute_tool ")}
    assert done.keys() == {
        "execute_tool crm.customer.find",
        "execute_tool crm.customer.update",
        "execute_tool mail.reply",
    }
    assert done["execute_tool mail.reply"]["countersign.attempt.outcome"] == "done"
    assert "before crm.customer.update" in {span.name for span in spans}
    for hidden in (TICKET_WORDS, MAIL_WORDS, "sk-of-the-test", desk.crm.anybody("gold")["email"]):
        assert hidden not in collector.all_text()


def test_products_of_other_words_find_kind_session_model_and_tokens(
    desk, talker, collector, django_capture_on_commit_callbacks
):
    """Langfuse, LangSmith and Phoenix read `session.id` and OpenInference's names beside OpenTelemetry's."""
    run = story(desk, talker, django_capture_on_commit_callbacks)
    said = {span.name: attributes(span) for span in collector.spans()}
    kinds = {name: one["openinference.span.kind"] for name, one in said.items()}
    chat, agent = f"chat {talker.model}", f"invoke_agent {run.agent.name}"
    assert (kinds[agent], kinds["step model"], kinds[chat]) == ("AGENT", "CHAIN", "LLM")
    assert (kinds["execute_tool mail.reply"], kinds["before crm.customer.update"]) == ("TOOL", "TOOL")
    assert run.session_id
    for name in (agent, chat, "step model", "execute_tool mail.reply"):
        assert said[name]["gen_ai.conversation.id"] == said[name]["session.id"] == str(run.session_id)
        assert (said[name]["gen_ai.agent.name"], said[name]["countersign.run.id"]) == (run.agent.name, str(run.id))
    model = {name: value for name, value in said[chat].items() if name.startswith("llm.")}
    assert model == {
        "llm.provider": "openai",
        "llm.model_name": said[chat]["gen_ai.response.model"],
        "llm.token_count.prompt": 120,
        "llm.token_count.completion": 30,
        "llm.token_count.total": 150,
        "llm.token_count.prompt_details.cache_read": 20,
    }
    assert "input.value" not in said[chat]


def test_content_is_exported_only_where_the_settings_say_so(
    desk, talker, collector, django_capture_on_commit_callbacks, settings
):
    settings.TRACES_CONTENT = True
    story(desk, talker, django_capture_on_commit_callbacks)
    spans = collector.spans()
    call = attributes([span for span in spans if span.name.startswith("chat ")][1])
    asked = json.loads(call["gen_ai.input.messages"])
    assert asked[0]["role"] == "user"
    assert TICKET_WORDS in asked[0]["parts"][0]["content"]
    assert asked[-1]["parts"][0]["type"] == "tool_call_response"
    assert json.loads(call["gen_ai.output.messages"])[0]["finish_reason"] == "tool_call"
    assert (call["input.value"], call["output.value"]) == (
        call["gen_ai.input.messages"], call["gen_ai.output.messages"]
    )  # fmt: skip
    sent = next(attributes(span) for span in spans if span.name == "execute_tool mail.reply")
    assert json.loads(sent["gen_ai.tool.call.arguments"])["body"] == MAIL_WORDS
    assert "sk-of-the-test" not in collector.all_text()


def test_what_fails_is_marked_by_its_kind_and_without_its_words(desk, talker, collector):
    talker.fails("500 Oops", "marked words of an error")
    desk.start("Please do something.")
    spans = collector.spans()
    failed = next(span for span in spans if span.name.startswith("chat "))
    assert failed.status.code == 2
    assert attributes(failed)["error.type"] == "ProviderFailed"
    assert "marked words" not in collector.all_text()


def test_a_search_is_a_span(collector, cast):
    assert retrieval.search(Collection.objects.all(), "marked question", limit=3, vectors=False) == []
    (span,) = collector.spans()
    said = attributes(span)
    assert (span.name, said["gen_ai.operation.name"]) == ("retrieval knowledge", "retrieval")
    assert (said["gen_ai.retrieval.top_k"], said["countersign.retrieval.passages"]) == (3, 0)
    assert "marked question" not in collector.all_text()


def test_a_question_is_exported_as_it_was_asked(collector, cast, settings):
    settings.TRACES_CONTENT = True
    retrieval.search(Collection.objects.all(), "marked question", limit=3, vectors=False)
    said = attributes(collector.spans()[0])
    assert said["gen_ai.retrieval.query.text"] == said["input.value"] == "marked question"
    assert (said["openinference.span.kind"], said["output.value"]) == ("RETRIEVER", "[]")


def test_half_of_all_traces_are_whole_and_half_are_left_out(collector, monkeypatch):
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    from workspaces.ids import uuid7

    monkeypatch.setattr(exporting.provider(), "sampler", ParentBased(TraceIdRatioBased(0.5)))
    sampled = [exporting._root(uuid7()).trace_flags.sampled for _ in range(200)]
    assert 60 < sum(sampled) < 140


def test_nothing_of_it_is_imported_until_a_span_is_exported():
    product = [path for path in written_by_people() if "tests" not in path.parts]
    using = [path for path in product if "import" in (text := path.read_text()) and "telemetry" in text]
    importing = {(named(path), top) for path in using for top in imported(ast.parse(path.read_text()))}
    assert {name for name, (module, _) in importing if module.startswith("opentelemetry.")} == {
        "audit/telemetry/exporting.py"
    }
    assert not [name for name, (module, at_once) in importing if module == "audit.telemetry.exporting" and at_once]


def imported(tree):
    """Yield each module that is imported, and whether that is done with the importing module itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", node in tree.body
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
