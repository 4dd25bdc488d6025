"""``make demo`` and ``make demo-headless``: start everything, and with ``--headless`` play the story and end."""

import argparse
import sys
from importlib.util import find_spec

from config.demo.supervisor import Supervisor
from config.services.errors import CannotStart
from config.services.running import var_folder

STORY = "config.demo.story"


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m config.demo", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="play the story instead of waiting for a browser")
    options = parser.parse_args(arguments)
    try:
        if options.headless and find_spec(STORY) is None:
            raise CannotStart("the story is not part of this version yet; `make demo` starts the demo itself.")
        return Supervisor(var_folder()).run([sys.executable, "-m", STORY] if options.headless else None)
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
