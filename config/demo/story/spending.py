"""Chapter: a budget in money. The demo planner costs nothing, so a stand-in that speaks Anthropic's protocol is asked.

The model is a stand-in; the money is not made up: tokens are those that the server reports, prices those of the list.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

from config.demo.story.casting import MODEL, POOR
from config.demo.story.scene import Scene

ENOUGH = "1.00"
ZERO = Decimal(0)
USAGE = {"input_tokens": 2000, "output_tokens": 100}


def budget(scene: Scene) -> None:
    """A run that may spend next to nothing stops before the model is asked; a person lets it spend more."""
    report = scene.report
    with _stand_in(int(os.environ["DEMO_STORY_PORT"])) as asked:
        run_id = scene.begin(scene.program, "Nothing has to be done.", agent=POOR)
        request = scene.request_of_kind(run_id, "budget")
        run = scene.run(run_id)
        (cap,) = run["budgets"]
        stopped = (run["status"], run["usage"]["calls"], len(asked))
        report.check("The money budget stops the run before the model is asked", stopped, ("waiting", 0, 0))
        report.find("... with a reason in words", "may cost", request["evidence"]["sentence"])
        refused = scene.decide(scene.owner, request, amount=ENOUGH)
        report.check("Whoever began it may not let it spend more", refused.status_code, 403)
        scene.answer(scene.reviewer, request, "budget", {"amount": ENOUGH})
        run = scene.ended(run_id)
        report.check("Extended by a reviewer, it goes on to its end", (run["status"], len(asked)), ("succeeded", 1))
    (now,) = run["budgets"]
    report.check("... under its new limit", Decimal(now["limit"]) > Decimal(cap["limit"]))
    known, held = Decimal(run["usage"]["known_cost"]), Decimal(now["reserved"])
    priced = (known > ZERO, run["usage"]["unpriced_calls"])
    report.check("The call has its listed price", priced, (True, 0))
    report.check("That is what was spent, and nothing is held any more", (Decimal(now["spent"]), held), (known, ZERO))


class _Messages(BaseHTTPRequestHandler):
    """Answers each request with one short message, as a stream."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in _events():
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the report is what is read."""


def _events() -> list[dict[str, Any]]:
    """Return the events of one answer (Anthropic's Messages API, streaming)."""
    message: dict[str, Any] = {"id": "msg_story", "type": "message", "role": "assistant", "content": [], "model": MODEL}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {**USAGE, "output_tokens": 1}}
    text = {"type": "text_delta", "text": "There is nothing to do."}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": USAGE["output_tokens"]},
        },
        {"type": "message_stop"},
    ]


@contextmanager
def _stand_in(port: int) -> Iterator[list[str]]:
    """Serve on the loopback while the chapter lasts; give the list of what was asked."""
    _Messages.asked.clear()
    server = HTTPServer(("127.0.0.1", port), _Messages)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield _Messages.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
