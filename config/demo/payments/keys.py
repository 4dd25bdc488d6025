"""Stripe's rules for ``Idempotency-Key`` (https://docs.stripe.com/api/idempotent_requests), which localstripe has not.

The same key with the same parameters gets the first answer again, also a 500; with others, a 400. While the first is
being worked on, a second gets a 409. Keys are forgotten after 24 hours. What fails validation, or was not executed for
another reason, keeps nothing.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the payment system."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def was_executed(self) -> bool:
        """Whether the request came so far that its outcome is kept: done, declined by a bank, or failed inside."""
        return self.status < 300 or self.status == 402 or self.status >= 500


@dataclass(slots=True)
class Keys:
    """The keys of the last 24 hours, and those that are being worked on."""

    now: Callable[[], float] = time.time
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    working: set[str] = field(default_factory=set)

    def begin(self, key: str, asked: str) -> Answer | None:
        """Return the answer that this key gets without being executed; None where it is to be executed now."""
        self._forget()
        if key in self.working:
            sentence = "There is currently another in-progress request using this idempotency key."
            return refusal(409, "idempotency_error", sentence, code="idempotency_key_in_use")
        known = self.kept.get(key)
        if known is None:
            self.working.add(key)
            return None
        if known["asked"] != asked:
            sentence = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return refusal(400, "idempotency_error", sentence)
        again = known["answer"]
        return Answer(again["status"], again["body"], {**again["headers"], "Idempotent-Replayed": "true"})

    def end(self, key: str, asked: str, answer: Answer | None) -> None:
        """Keep the answer where the request was executed."""
        self.working.discard(key)
        if answer is not None and answer.was_executed:
            self.kept[key] = {"asked": asked, "answer": asdict(answer), "at": self.now()}

    def _forget(self) -> None:
        old = self.now() - KEPT_SECONDS
        for key in [key for key, known in self.kept.items() if known["at"] <= old]:
            del self.kept[key]


def fingerprint(method: str, path: str, pairs: list[tuple[str, str]]) -> str:
    """Return the digest of what a request asks for; the order of its parameters does not matter."""
    return hashlib.sha256(repr((method, path, sorted(pairs))).encode()).hexdigest()


def refusal(status: int, kind: str, message: str, **more: str) -> Answer:
    """Return one of Stripe's errors."""
    return Answer(status, json.dumps({"error": {"type": kind, "message": message, **more}}))
