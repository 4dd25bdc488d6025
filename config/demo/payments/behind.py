"""localstripe as a child of the proxy: started with it, or by the first request that needs it."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from config.services.processes import dies_with_parent

HOST: Final = "127.0.0.1"


class Behind:
    """One localstripe; ``ended`` is set when it is there no more although nobody asked it to end."""

    def __init__(self, folder: Path | None, *, filled: bool) -> None:
        self.ended = asyncio.Event()
        self._folder, self._filled = folder, filled
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._address = ""

    async def address(self) -> str:
        """Return where it listens, starting it where it does not yet; raise ``OSError`` where it cannot."""
        async with self._starting:
            if not self._address:
                self._process = await self._start()
                assert self._process.stdout is not None
                port = (await self._process.stdout.readline()).decode().strip()
                if not port:
                    self.ended.set()
                    raise OSError("localstripe ended at once")
                self._address = f"http://{HOST}:{port}"
                self._watching = asyncio.create_task(self._watch(self._process))
            return self._address

    async def stop(self) -> None:
        """End it, and wait for its end."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.terminate()
            await self._process.wait()
        if self._watching is not None:
            await self._watching

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self.ended.set()

    async def _start(self) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "config.demo.payments.standin"]
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            command += ["--folder", str(self._folder)]
        if self._filled:
            command.append("--filled")
        return await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=dies_with_parent(signal.SIGTERM),
            start_new_session=True,
        )
