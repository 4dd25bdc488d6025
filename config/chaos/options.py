"""What a crash test is told, by the same names for ``manage.py chaos`` and for the process that carries it out."""

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Options:
    """``seconds`` is how long trouble is made at least: it goes on until every run has begun, and every kind has come.

    ``seeds`` are played one after the other by the same crew, each with ``runs`` of its own.
    """

    runs: int = 100
    seed: int = 1
    seeds: int = 1
    seconds: int = 60
    workers: int = 2
    keep: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """Return the options among parsed arguments."""
        return cls(**{field.name: given[field.name] for field in fields(cls)})

    def arguments(self) -> list[str]:
        """Return them as a command line."""
        return [f"--{field.name}={getattr(self, field.name)}" for field in fields(self)]


def add_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--runs", type=int, default=Options.runs, help="tickets that come in")
    parser.add_argument(
        "--seed", type=int, default=Options.seed, help="which troubles, in which order, and who says what"
    )
    parser.add_argument("--seeds", type=int, default=Options.seeds, help="how many seeds, from that one on")
    parser.add_argument("--seconds", type=int, default=Options.seconds, help="how long trouble is made at least")
    parser.add_argument("--workers", type=int, default=Options.workers, help="Celery workers; one has a wrong clock")
    parser.add_argument("--keep", default=Options.keep, help="a folder for everything, which then stays")
