"""The product's own ASGI application for a server of the tests: its streams may be given a quicker pulse."""

import os

from config.asgi import application
from workspaces.console import live

for name in ("HEARTBEAT", "TICK"):
    setattr(live, name, float(os.environ.get(f"LIVE_TEST_{name}", getattr(live, name))))

__all__ = ["application"]
