"""Which ports the demo uses: one for its pages, which people choose, and those of its outside systems, which stay."""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from config.services.errors import CannotStart
from config.services.postgres import free_port
from config.services.running import write_record

USUAL = 8000
NEIGHBOURS = 20
HOST = "127.0.0.1"
OUTSIDE = ("DEMO_SMTP_PORT", "DEMO_PAYMENTS_PORT", "DEMO_STORY_PORT")


def choose() -> int:
    """Return the port that ``PORT`` names, or the first free one from 8000 on; raise `CannotStart` where there is none.

    A port that somebody asked for is never silently exchanged for another.
    """
    wanted = os.environ.get("PORT", "")
    if wanted:
        if not wanted.isdigit() or not 0 < int(wanted) < 65536:
            raise CannotStart(
                f"PORT={wanted} is not a port: choose a number up to 65535, for example `PORT=8001 make demo`."
            )
        if not is_free(int(wanted)):
            raise CannotStart(
                f"port {wanted} is in use: choose another, for example `PORT={int(wanted) + 1} make demo`."
            )
        return int(wanted)
    for port in range(USUAL, USUAL + NEIGHBOURS):
        if is_free(port):
            return port
    raise CannotStart(
        f"ports {USUAL} to {USUAL + NEIGHBOURS - 1} are in use: choose another with `PORT=9000 make demo`."
    )


def for_mail(var: Path) -> tuple[int, int]:
    """Return the ports of SMTP and of the inbox's pages: those of the last start, unless somebody took them since."""
    smtp, inbox = _kept(var / "mail.json", {"smtp": 2525, "inbox": 8025})
    return smtp, inbox


def for_payments(var: Path) -> int:
    """Return the port of the payment system: that of the last start, unless somebody took it since."""
    (port,) = _kept(var / "payments.json", {"port": 8420})
    return port


def _kept(path: Path, usual: dict[str, int]) -> list[int]:
    before: dict[str, int] = {}
    with suppress(OSError, ValueError):
        before = json.loads(path.read_text())
    chosen = {name: free_port(before.get(name, port)) for name, port in usual.items()}
    write_record(path, dict(chosen))
    return list(chosen.values())


def outbound(environment: Mapping[str, str]) -> str:
    """Return ``OUTBOUND_ALLOWED``: what the person listed, and the demo's outside systems, which are on this machine.

    A model server that the person names by ``OPENAI_BASE_URL`` or ``ANTHROPIC_BASE_URL`` is theirs to reach as well.
    """
    from config.demo.crm import tcp_address

    host, port = tcp_address(environment["DATABASE_OWNER_URL"])
    allowed = [environment.get("OUTBOUND_ALLOWED", ""), f"{host}:{port}"]
    allowed += [f"{HOST}:{environment[name]}" for name in OUTSIDE if name in environment]
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        parts = urlsplit(environment.get(name, ""))
        if parts.hostname:
            allowed.append(f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}")
    return ",".join(filter(None, allowed))


def is_free(port: int) -> bool:
    """Return whether nobody listens on ``port`` of the loopback."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False
