"""Log lines: one JSON object each, without secrets."""

import io
import json
import logging

import pytest
import structlog

from config import logs
from config.redaction import Redaction


@pytest.fixture
def lines():
    """Send two loggers through the formatter used outside of DEBUG, and return what they wrote as objects."""
    written = io.StringIO()
    described = logs.configuration(level="INFO", for_people=False)["formatters"]["line"]
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=described["processors"], foreign_pre_chain=described["foreign_pre_chain"]
        )
    )
    loggers = [logging.getLogger("ours"), logging.getLogger("theirs")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    for logger in loggers:
        logger.removeHandler(handler)
        logger.propagate = True


def test_invariant_15_secrets_are_hidden_at_any_depth():
    event = {
        "event": "called",
        "api_key": "sk-1",
        "headers": {"Authorization": "Bearer x", "accept": "*/*"},
        "tries": [{"password": "p"}, "plain"],
    }
    assert Redaction()(None, "info", event) == {
        "event": "called",
        "api_key": "(hidden)",
        "headers": {"Authorization": "(hidden)", "accept": "*/*"},
        "tries": [{"password": "(hidden)"}, "plain"],
    }


def test_both_kinds_of_loggers_write_json(lines):
    structlog.get_logger("ours").info("run_started", run_id="7", token="t")
    logging.getLogger("theirs").warning("%s happened", "it")
    ours, theirs = lines()
    assert (ours["event"], ours["run_id"], ours["token"], ours["logger"]) == ("run_started", "7", "(hidden)", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it happened", "warning", "theirs")


def test_people_get_no_json(capsys):
    settings = logs.configuration(level="INFO", for_people=True)
    assert isinstance(settings["formatters"]["line"]["processors"][-1], structlog.dev.ConsoleRenderer)
