"""Starts localstripe and the proxy before it, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from config.demo.payments.proxy import Proxy
from config.services.processes import dies_with_parent

HOST: Final = "127.0.0.1"


async def serve(port: int, folder: Path | None, *, with_faults: bool) -> int:
    """Serve until told to stop, or until localstripe ends; return the exit status."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    child = await _localstripe(folder)
    try:
        assert child.stdout is not None
        upstream = (await child.stdout.readline()).decode().strip()
        if not upstream:
            raise OSError("localstripe ended at once")
        proxy = Proxy(f"http://{HOST}:{upstream}", folder, with_faults=with_faults)
        runner = web.AppRunner(proxy.application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, HOST, port).start()
        at = runner.addresses[0][1]
        _say(f"The demo's outside payment system: http://{HOST}:{at}/ (localstripe on http://{HOST}:{upstream}/)")
        ended = asyncio.create_task(child.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await runner.cleanup()
        await proxy.close()
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()
    return 0 if stop.is_set() else 1


async def _localstripe(folder: Path | None) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "config.demo.payments.standin"]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        command += ["--folder", str(folder)]
    return await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, preexec_fn=dies_with_parent(signal.SIGTERM), start_new_session=True
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the payment system from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.demo.payments", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, help="where its data is kept; in memory only if left out")
    parser.add_argument("--faults", action="store_true", help="let tests make requests fail")
    given = parser.parse_args(arguments)
    try:
        return asyncio.run(serve(given.port, given.folder, with_faults=given.faults))
    except OSError as error:
        sys.stderr.write(f"The demo's payment system cannot start: {error}. Choose another port or folder.\n")
        return 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
