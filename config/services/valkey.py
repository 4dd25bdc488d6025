"""One Valkey server on the loopback, with a password of its own. The broker holds no truth: nothing is kept on disk."""

import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.services import processes
from config.services.errors import CannotStart
from config.services.places import Places
from config.services.postgres import free_port

PATIENCE = 20.0


@dataclass
class Broker:
    """The broker of ``places``; ``program`` is valkey-server."""

    places: Places
    program: Path
    url: str = ""
    child: processes.Child | None = None

    def start(self) -> None:
        """Leave the broker running and answering at ``url``."""
        for _ in range(3):
            port, password = free_port(0), secrets.token_urlsafe(24)
            self.url = f"redis://:{password}@127.0.0.1:{port}/0"
            self.child = self.launch(port, password)
            child = self.child
            processes.wait_until(partial(self.settled, child), PATIENCE)
            if child.is_alive:
                return
        raise CannotStart(f"Valkey did not start; its log {child.log} ends:\n{child.last_words()}")

    def launch(self, port: int, password: str) -> processes.Child:
        """Start the server; the password goes through its standard input, where no other user sees it."""
        settings = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", 'save ""', "appendonly no"]
        settings += [f'dir "{self.places.sockets}"', "maxmemory 256mb", "maxmemory-policy noeviction"]
        return processes.start(
            "valkey",
            [self.program, "-"],
            log=self.places.logs / "valkey.log",
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=self.places.user,
            folder=Path("/"),
            stdin="\n".join(settings).encode(),
            on_parents_death=signal.SIGTERM,
        )

    def settled(self, child: processes.Child) -> bool:
        """Return whether the start has succeeded or failed."""
        return not child.is_alive or self.answers()

    def answers(self) -> bool:
        """Return whether the server answers a ping."""
        import redis

        with suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=2) as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()
