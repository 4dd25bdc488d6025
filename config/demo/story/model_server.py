"""A model server that speaks Chat Completions and fails as it is told: behind it answers the demo planner.

What goes over the wire is what any such server sends (``data:`` lines, deltas of tool calls, ``[DONE]``). A fault is
used up by one request; a hanging answer ends when who asked goes away, or with the server.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from agents.providers.base import (
    AssistantTurn,
    Message,
    ModelAnswer,
    ModelRequest,
    ToolCall,
    ToolResult,
    ToolSpec,
    UserText,
)
from agents.providers.demo import complete

Json = dict[str, Any]
MODEL: Final = "story-model"
WAIT: Final = 2
LONGEST: Final = 30.0
FAULTS: Final = ("500", "429", "cut", "hang", "401")
USAGE: Final = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}


@dataclass
class Desk:
    """What the server does with the next requests: each takes the first of ``faults`` ("" is an answer)."""

    effects: Mapping[str, str]
    faults: list[str]
    asked: list[tuple[float, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> str:
        """Return the next request's fault, and note when it came."""
        with self.lock:
            fault = self.faults.pop(0) if self.faults else ""
            self.asked.append((time.monotonic(), fault))
            return fault


@contextmanager
def serving(port: int, effects: Mapping[str, str], faults: list[str]) -> Iterator[Desk]:
    """Serve on the loopback; ``effects`` says by the tools' names on the wire what each does."""
    desk = Desk(effects, list(faults))

    class Handler(Answers):
        knows = desk

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        desk.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Answers(BaseHTTPRequestHandler):
    """Answers ``POST …/chat/completions``, or does not."""

    knows: Desk

    def do_POST(self) -> None:
        """Answer as the next fault says."""
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        fault = self.knows.next()
        if fault.isdecimal():
            self._refuse(int(fault))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(complete(request_of(sent, self.knows.effects)))]
        whole = "".join([*lines, "data: [DONE]\n\n"]).encode()
        with suppress(OSError):  # who asked has gone away
            self.wfile.write(whole if not fault else whole[: len(lines[0]) + 20])
            self.wfile.flush()
            if fault == "hang":
                self.knows.closing.wait(LONGEST)

    def _refuse(self, status: int) -> None:
        body = json.dumps({"error": {"message": f"This server was told to answer {status}.", "type": "error"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", str(WAIT))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the report is what is read."""


def request_of(sent: Json, effects: Mapping[str, str]) -> ModelRequest:
    """Return what was sent as the planner reads it."""
    functions = [tool["function"] for tool in sent.get("tools", ())]
    tools = tuple(
        ToolSpec(one["name"], one.get("description", ""), one["parameters"], effects.get(one["name"], ""))
        for one in functions
    )
    names: dict[str, str] = {}
    return ModelRequest("", tuple(_messages(sent["messages"], names)), tools)


def _messages(sent: list[Json], names: dict[str, str]) -> Iterator[Message]:
    for one in sent:
        if one["role"] == "user":
            yield UserText(one["content"])
        elif one["role"] == "assistant":
            calls = tuple(_call(call) for call in one.get("tool_calls", ()))
            names |= {call.id: call.name for call in calls}
            yield AssistantTurn(one.get("content") or "", calls)
        elif one["role"] == "tool":
            yield ToolResult(one["tool_call_id"], names.get(one["tool_call_id"], ""), one["content"])


def _call(sent: Json) -> ToolCall:
    function = sent["function"]
    return ToolCall(sent["id"], function["name"], json.loads(function["arguments"]), function["arguments"])


def chunks(answer: ModelAnswer) -> Iterator[Json]:
    """Yield the answer in the pieces in which such servers stream it."""
    head = {"id": answer.response_id, "object": "chat.completion.chunk", "model": MODEL}
    yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": answer.text}}]}
    for index, call in enumerate(answer.calls):
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        piece = {"index": index, "id": call.id, "type": "function", "function": function}
        yield {**head, "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
    finish = "tool_calls" if answer.calls else "stop"
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    yield {**head, "choices": [], "usage": USAGE}
