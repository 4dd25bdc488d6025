"""Asking a route's endpoints in order: each that may be called now, until one answers."""

import logging
import time
from dataclasses import dataclass, field
from typing import Final

from agents.engine.endpoints import Refused, give_back, take_place, troubled
from agents.engine.usage import Called
from agents.models import Step
from agents.providers import pricing
from agents.providers.base import Endpoint, ModelAnswer, ModelRequest
from agents.providers.errors import ModelError, RetryClass
from agents.providers.registry import complete
from workspaces.database import release_connection
from workspaces.errors import DomainError
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

HOPELESS: Final = frozenset({RetryClass.GIVE_UP, RetryClass.SHORTEN})


@dataclass(slots=True)
class Asked:
    """What the endpoints that were called said, and why others were not called."""

    calls: list[Called] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def answer(self) -> ModelAnswer | None:
        """The answer, where one of them gave one."""
        return self.calls[-1].answer if self.calls else None

    @property
    def is_hopeless(self) -> bool:
        """Whether the same request would fail the same way, whenever and wherever it is sent."""
        return bool(self.errors) and self.errors[-1].retry in HOPELESS

    @property
    def errors(self) -> list[ModelError]:
        """Why those that were called gave no answer."""
        return [called.error for called in self.calls if called.error is not None]

    def kept(self) -> dict[str, list[dict[str, str]]]:
        """Return what the step keeps of the endpoints that were not called."""
        return {"refused": [one.to_json() for one in self.refused]} if self.refused else {}


def ask(step: Step, endpoints: list[Endpoint], request: ModelRequest) -> Asked:
    """Ask the endpoints in order until one answers, or until asking another one would not help.

    No database connection is held while one of them is called.
    """
    asked = Asked()
    known = troubled(step.workspace_id, endpoints)
    for endpoint in endpoints:
        most = pricing.most_tokens(request, provider=endpoint.provider)
        place = take_place(step, endpoint, tokens=most, known=known)
        if isinstance(place, Refused):
            asked.refused.append(place)
            continue
        release_connection()
        reached(Failpoint.MODEL_ASKING)
        called = _call(endpoint, request)
        asked.calls.append(called)
        give_back(step, place, error=called.error, tokens=_used(called))
        if called.error is None or called.error.retry in HOPELESS:
            break
    return asked


def _used(called: Called) -> int | None:
    """Return the tokens that the call used; nothing where nobody can have counted any, None where nobody says."""
    usage = called.answer.usage if called.answer else None
    if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
        return usage.input_tokens + usage.output_tokens
    return 0 if called.error is not None and not called.error.may_have_cost else None


def _call(endpoint: Endpoint, request: ModelRequest) -> Called:
    begun = time.monotonic()
    answer, failure = None, None
    try:
        answer = complete(endpoint, request)
    except ModelError as error:
        failure = error
    except DomainError as error:
        failure = ModelError(error.message, error.hint)
    except Exception as error:
        log.exception("The adapter for %s failed", endpoint.provider)
        failure = ModelError(f"The model adapter failed ({type(error).__name__}).", may_have_cost=True)
    took = int((time.monotonic() - begun) * 1000)
    return Called(endpoint, answer, failure, took, request.max_output_tokens)
