"""The services for a shell: ``python -m config.services run [--test] -- COMMAND`` and ``... env``.

``run`` starts what is missing, exports the addresses, runs the command, stops what it started and returns the command's
status. ``--test`` starts from an empty database that is not durable. ``env`` prints the addresses of what runs now.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys

from config.services.errors import CannotStart
from config.services.running import ADDRESSES, say, services, var_folder


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m config.services", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="start the services, run a command, stop them")
    run.add_argument("--test", action="store_true", help="an empty, fast database in a folder of its own")
    run.add_argument("command", nargs=argparse.REMAINDER)
    verbs.add_parser("env", help="print the addresses of the running services for a shell")
    options = parser.parse_args(arguments)
    try:
        return print_addresses() if options.verb == "env" else run_beside(options.command, options.test)
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1


def run_beside(command: list[str], test: bool) -> int:
    """Run ``command`` while the services run; return its status."""
    command = command[1:] if command[:1] == ["--"] else command
    if not command:
        raise CannotStart("name a command after --, for example `python -m config.services run -- bash`.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    var = var_folder()
    with services(var / "test" if test else var, fast=test, say=say) as running:
        process = subprocess.Popen(command, env={**os.environ, **running.addresses})
        try:
            return process.wait()
        except KeyboardInterrupt:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def print_addresses() -> int:
    """Print ``export`` lines for what `running.services` recorded."""
    try:
        record = json.loads((var_folder() / "services.json").read_text())
    except (OSError, ValueError):
        raise CannotStart("nothing runs here: start it with `make demo`.") from None
    for name in ADDRESSES:
        say(f"export {name}={shlex.quote(record[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
