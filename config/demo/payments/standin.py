"""Runs localstripe as a process of its own: on loopback only, with its data in a folder of ours or nowhere.

Started by its own command it would listen on every address of this machine, and write to a file in /tmp that anybody
could have put there.
"""

import argparse
import asyncio
import pickle
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from localstripe import resources
from localstripe.server import app

HOST: Final = "127.0.0.1"
SAVE_SECONDS: Final = 0.5


class Kept:
    """The store on disk: written whole or not at all, soon after each change and at the end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.pickle"
        self._changed = False
        self.is_new = not self._path.exists()
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            resources.store.update(pickle.loads(self._path.read_bytes()))  # noqa: S301 - written by ourselves alone

    def changed(self, *_: object) -> None:
        """Note that there is something to write."""
        self._changed = True

    def save(self) -> None:
        """Write what has changed since the last time."""
        if self._changed:
            self._changed = False
            part = self._path.with_suffix(".part")
            part.write_bytes(pickle.dumps(dict(resources.store)))
            part.replace(self._path)

    async def serve(self, _app: web.Application) -> AsyncIterator[None]:
        """Save every now and then while the server runs, and when it ends."""

        async def keep_saving() -> None:
            while True:
                await asyncio.sleep(SAVE_SECONDS)
                self.save()

        task = asyncio.create_task(keep_saving())
        yield
        task.cancel()
        self.save()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; the first line that is printed says the port."""
    parser = argparse.ArgumentParser(prog="python -m config.demo.payments.standin", description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--filled", action="store_true", help="begin with the demo's customers where there are none")
    given = parser.parse_args(arguments)
    save: Any = lambda _store: None  # noqa: E731
    is_new = True
    if given.folder is not None:
        kept = Kept(given.folder)
        save, is_new = kept.changed, kept.is_new
        app.cleanup_ctx.append(kept.serve)
    resources.Store.dump_to_disk = save
    asyncio.run(_serve(to_fill=given.filled and is_new))
    return 0


async def _serve(*, to_fill: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    if to_fill:
        from config.demo.payments.filling import fill

        fill()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    raise SystemExit(main())
