"""Requests that Schemathesis makes from ``docs/openapi.yaml``, sent to the application in this process.

Both such as the description allows and such as it forbids are made, and all of Schemathesis' checks look at each
answer. Whatever a request changes is rolled back with it, so that every one of them meets the same workspace.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
import yaml
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection

COMMITTED = Path(django_settings.BASE_DIR) / "docs" / "openapi.yaml"
NOT_USABLE = ["400", "422"]
"""What well-formed data may be answered beside Schemathesis' own list: a schema cannot say which names there are, which
fields need each other, and that NUL and half characters are refused wherever they stand (400, by the parser)."""
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "429", *NOT_USABLE]}
    }
}


@dataclass(frozen=True)
class World:
    """What the requests may find: the row of each path's ``row_id``, and usable values by the names of fields."""

    rows: dict[str, Any]
    values: dict[str, Any]


def description(application: Any) -> BaseSchema:
    """Return the committed description, to be held against ``application``."""
    raw = yaml.load(COMMITTED.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found = schemathesis.openapi.from_dict(raw, config=schemathesis.Config.from_dict(CONFIG))
    found.app = application
    return found


def operations(described: BaseSchema) -> Iterator[APIOperation]:
    """Give every operation that is described."""
    for result in described.get_all_operations():
        yield result.ok()


@dataclass
class Sender:
    """Sends each request as every caller, and keeps what was wrong with the answers, each finding once.

    A caller is the headers and cookies that let them in; ``let_in`` counts the requests of each that got so far.
    """

    callers: dict[str, dict[str, Any]]
    world: World
    found: dict[str, str]
    let_in: Counter[str] = field(default_factory=Counter)

    def try_out(self, operation: APIOperation, examples: int, number: int) -> None:
        """Send ``examples`` requests of each kind; ``number`` makes them the same again."""
        for mode in GenerationMode:
            for real in self.paths(operation, mode):
                self.send_some(operation, mode, real, examples, number)

    def paths(self, operation: APIOperation, mode: GenerationMode) -> list[dict[str, Any] | None]:
        """Return where to send to: a real row, or whatever is generated where nothing else varies."""
        if operation.path not in self.world.rows:
            return [None]
        varies = bool(operation.body) or bool(operation.query)
        real = {"row_id": str(self.world.rows[operation.path])}
        return [real] if varies or mode == GenerationMode.POSITIVE else [None]

    def send_some(self, operation: APIOperation, mode: GenerationMode, path: Any, examples: int, number: int) -> None:
        """Make and send them; a schema that allows everything forbids nothing that could be sent."""

        @seed(number)
        @settings(
            max_examples=examples,
            derandomize=False,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
        )
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path), choice=st.integers(0, 2**16))
        def send(case: Case, choice: int) -> None:
            if mode == GenerationMode.POSITIVE:
                self.make_usable(case, random.Random(choice))
            self.send(case)

        try:
            send()
        except Unsatisfiable:
            return

    def make_usable(self, case: Case, chance: random.Random) -> None:
        """Put values that exist here into half of the fields that have some: others lead no further than 422."""
        if isinstance(case.body, dict):
            usable = {name: self.world.values[name] for name in case.body if name in self.world.values}
            case.body = case.body | {name: value for name, value in usable.items() if chance.random() < 0.5}

    def send(self, case: Case) -> None:
        """Send one request as every caller, check the answers, and take back what it did."""
        for who, credentials in self.callers.items():
            cache.clear()
            with of_the_test():
                try:
                    answer = case.call_and_validate(**credentials, excluded_checks=excluded(case))
                    self.let_in[who] += answer.status_code != 401
                except FailureGroup as failures:
                    for failure in failures.exceptions:
                        self.found.setdefault(f"{case.operation.label} by {who}: {failure.title}", str(failures))
                transaction.set_rollback(True)


def of_the_test() -> transaction.Atomic:
    """Return a transaction of the test's own: to the application, which holds none while it calls out, it is none."""
    block = transaction.atomic()
    block._from_testcase = True  # as Django marks those of its test cases
    return block


def excluded(case: Case) -> list[Any]:
    """Return the checks that say nothing of ``case``.

    In a form with files every part is bytes: whatever type a value had that the description forbids, it arrives as the
    text or the file that it allows, and is rightly taken. (What JSON bodies forbid is held, for the same endpoint.)
    """
    return [negative_data_rejection] if case.media_type == "multipart/form-data" else []


def search(described: BaseSchema, sender: Sender, seconds: float) -> int:
    """Send ever new requests to every operation in turn until ``seconds`` are over; return how many rounds it were."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        for operation in operations(described):
            sender.try_out(operation, 10, random.getrandbits(32))
    return rounds
