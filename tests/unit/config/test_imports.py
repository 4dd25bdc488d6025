"""What a process of the application has loaded once it has started: no SDK before somebody needs it."""

import os
import subprocess
import sys

import pytest

from config.services.places import CHECKOUT

LATE = {
    "openai",
    "anthropic",
    "stripe",
    "wordllama",
    "numpy",
    "opentelemetry.exporter",
    "opentelemetry.instrumentation",
}
"""Of OpenTelemetry what exports: its API and the kernel of its SDK are loaded by the Redis client itself, if there."""
WEB = "import config.asgi; from django.urls import get_resolver; get_resolver().url_patterns"
WORKER = "from config.celery import app; app.loader.import_default_modules(); app.finalize(auto=True)"
SAY = "; import sys; print(*sorted(sys.modules))"


def loaded(code: str) -> set[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"}
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    done = subprocess.run(
        [sys.executable, "-c", code + SAY], cwd=CHECKOUT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("code", [WEB, WORKER], ids=["web", "worker"])
def test_no_sdk_is_loaded_before_it_is_needed(code):
    found = loaded(code)
    assert {"django", "agents", "tools"} <= found
    assert not found & LATE


def test_the_list_would_notice_one():
    assert "stripe" in loaded(WEB + "; import stripe")
