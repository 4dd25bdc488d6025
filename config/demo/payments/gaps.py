"""What localstripe does not do as Stripe does, made up for: which refunds are possible, and what objects keep.

- A refund of more than remains, or of a charge that was not paid, is refused; without an amount, the rest is refunded.
- ``reason`` of a refund and ``metadata`` of a subscription are kept and shown.
- A metadata value that is set to nothing is removed.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from config.demo.payments.keys import Answer, refusal

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Overlay:
    """What is shown with objects beside what localstripe says, by their ids."""

    reasons: dict[str, str] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)

    def keep(self, path: str, pairs: Pairs, answer: Answer) -> None:
        """Keep what localstripe drops of a request that it has carried out."""
        given = dict(pairs)
        if path == "/v1/refunds" and "reason" in given:
            self.reasons[json.loads(answer.body)["id"]] = given["reason"]
        if match := re.fullmatch(r"/v1/subscriptions/(\w+)", path):
            self.notes.setdefault(match[1], {}).update(metadata_in(pairs))

    def shown(self, answer: Answer) -> Answer:
        """Return the answer with what is kept, in every object of it."""
        try:
            body = json.loads(answer.body)
        except ValueError:
            return answer
        return Answer(answer.status, json.dumps(self._filled(body)), answer.headers)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        filled = {name: self._filled(part) for name, part in value.items()}
        if filled.get("object") == "refund":
            filled["reason"] = self.reasons.get(str(filled.get("id")))
        if isinstance(filled.get("metadata"), dict):
            notes = {**filled["metadata"], **self.notes.get(str(filled.get("id")), {})}
            filled["metadata"] = {name: note for name, note in notes.items() if note != ""}
        return filled


def metadata_in(pairs: Pairs) -> dict[str, str]:
    """Return the metadata that a form sets."""
    return {match[1]: value for name, value in pairs if (match := re.fullmatch(r"metadata\[(.+)\]", name))}


def refund_of(charge: dict[str, Any], pairs: Pairs) -> Pairs | Answer:
    """Return the form that localstripe is to get for a refund, or the refusal that Stripe would give."""
    given = dict(pairs)
    remaining = int(charge["amount"]) - int(charge["amount_refunded"])
    if charge["status"] != "succeeded":
        return _no("This charge has not been paid and cannot be refunded.", "charge_not_refundable")
    if remaining <= 0:
        return _no(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    amount = given.get("amount", str(remaining))
    if not amount.isdigit() or not int(amount):
        return _no(f"Invalid positive integer: {amount}", "parameter_invalid_integer")
    if int(amount) > remaining:
        return _no(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({remaining})", "")
    kept = [(name, value) for name, value in pairs if name not in {"amount", "reason"}]
    return [*kept, ("amount", amount)]


def _no(message: str, code: str) -> Answer:
    return refusal(400, "invalid_request_error", message, **({"code": code} if code else {}), param="amount")
