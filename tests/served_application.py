"""The product's own ASGI application for a server of the tests: its heartbeat may be quickened."""

import os

from config.asgi import application
from workspaces.console import live

live.HEARTBEAT = float(os.environ.get("LIVE_TEST_HEARTBEAT", live.HEARTBEAT))

__all__ = ["application"]
