"""``make clean-demo``: forget the demo's data, its keys and its servers' files. Needs nothing installed."""

import sys
from contextlib import ExitStack

from config.demo.supervisor import address_of
from config.services.errors import CannotStart
from config.services.places import InUse, Places, claimed
from config.services.postgres import Cluster
from config.services.running import say, var_folder


def main() -> int:
    """Remove everything that the demo and the tests keep; refuse while one of them runs."""
    var = var_folder()
    try:
        for places in (Places.of(var / "test"), Places.of(var)):
            forget(places)
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1
    return 0


def forget(places: Places) -> None:
    """End what a killed demo left running, then remove its folders."""
    if not places.var.exists() and not places.home.exists():
        return
    with ExitStack() as stack:
        for name in ("demo", "services"):
            try:
                stack.enter_context(claimed(places, name))
            except InUse as other:
                raise CannotStart(
                    f"it is running at {address_of(places.var)} (process {other.pid}): stop it with Ctrl-C first."
                ) from None
        Cluster(places, places.home).end_leftover()
        for folder in places.forget():
            say(f"Removed {folder}")


if __name__ == "__main__":
    sys.exit(main())
