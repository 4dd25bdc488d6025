"""Starts localstripe and the proxy before it, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from config.demo.payments.behind import HOST, Behind
from config.demo.payments.proxy import Proxy


async def serve(given: argparse.Namespace) -> int:
    """Serve until told to stop, or until localstripe ends; return the exit status."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    behind = Behind(given.folder, filled=given.filled)
    try:
        where = (
            "localstripe starts with the first request" if given.lazily else f"localstripe on {await behind.address()}/"
        )
        proxy = Proxy(behind.address, given.folder, with_faults=given.faults)
        runner = web.AppRunner(proxy.application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, HOST, given.port).start()
        _say(f"The demo's outside payment system: http://{HOST}:{runner.addresses[0][1]}/ ({where})")
        await _first(stop, behind.ended)
        await runner.cleanup()
        await proxy.close()
    finally:
        await behind.stop()
    return 0 if stop.is_set() else 1


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the payment system from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.demo.payments", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, help="where its data is kept; in memory only if left out")
    parser.add_argument("--filled", action="store_true", help="begin with the demo's customers where there are none")
    parser.add_argument("--lazily", action="store_true", help="start localstripe when it is needed first")
    parser.add_argument("--faults", action="store_true", help="let tests make requests fail")
    try:
        return asyncio.run(serve(parser.parse_args(arguments)))
    except OSError as error:
        sys.stderr.write(f"The demo's payment system cannot start: {error}. Choose another port or folder.\n")
        return 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
