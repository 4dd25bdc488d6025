"""The process that carries out one crash test; ``manage.py chaos`` starts it, away from the configured database."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from uuid import UUID

from config.chaos.house import House, forget, open_house
from config.chaos.options import Options, add_options
from config.services.errors import CannotStart
from config.services.running import say

if TYPE_CHECKING:
    from config.chaos.books import Books
    from config.chaos.crew import Crew
    from config.chaos.stage import Stage


def main() -> int:
    """Play, print the books, return 0 only where everything is done or named in doubt."""
    parser = argparse.ArgumentParser(prog="manage.py chaos")
    add_options(parser)
    options = Options.of(vars(parser.parse_args()))
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="countersign-chaos-")).resolve()
    try:
        with open_house(folder) as house:
            sound = play(options, house)
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1
    except (KeyboardInterrupt, SystemExit):
        if not options.keep:
            forget(folder)
        raise
    if sound and not options.keep:
        forget(folder)
    else:
        sys.stderr.write(f"The logs are in {folder}.\n")
    return 0 if sound else 1


def play(options: Options, house: House) -> bool:
    """Set up Django on the house's own database and play all seeds; return whether the books add up."""
    for name in ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL", "PYTEST_VERSION"):
        os.environ.pop(name, None)
    os.environ |= house.environment
    import django

    django.setup()
    from config.chaos.books import Books
    from config.chaos.crew import Crew
    from config.chaos.stage import set_the_stage

    stage = set_the_stage(house.outside, options.runs * options.seeds)
    crew = Crew(house, options.workers)
    found: list[Books] = []
    left_open: set[UUID] = set()
    try:
        for number in range(options.seeds):
            found.append(play_one(options, number, stage, crew, left_open))
    finally:
        crew.stop()
    sums = {name: sum(books.figures[name] for books in found) for name in found[0].figures}
    say(json.dumps({**sums, "kills": crew.kills}))
    return all(books.add_up for books in found)


def play_one(options: Options, number: int, stage: "Stage", crew: "Crew", left_open: set[UUID]) -> "Books":
    """Play one seed from its first ticket to its books, and say what was found; doubts that are left open stay so."""
    from config.chaos.conductor import Conductor
    from config.chaos.people import People

    began, killed, seed = time.monotonic(), crew.kills, options.seed + number
    people = People(stage, crew.house.outside, seed, left_open)
    conductor = Conductor(options, crew.house, crew, people, seed, first=number * options.runs + 1)
    conductor.begin()
    conductor.make_trouble()
    rest = conductor.make_peace()
    books = conductor.close_the_books()
    for problem in books.problems:
        say(f"WRONG: {problem}")
    say(f"Seed {seed}: {time.monotonic() - began:.0f} s, of which {rest:.0f} s came to rest")
    if options.seeds > 1:
        say(json.dumps({"seed": seed, **books.figures, "kills": crew.kills - killed}))
    return books


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
