"""Giving money back: one refund of one charge, at most once, never more than was decided on.

Stripe honours the key for 24 hours. So before it is asked, the charge's refunds are looked through for one that carries
the key in its metadata: that holds for ever. The amount is always sent, also where the whole rest is meant: what is
paid is what people saw, not what Stripe finds to be the rest a moment later.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tools.amounts import spoken
from tools.connectors.base import ConnectorError, Done, Drifted, Probe, Refused, Target, Unknown
from tools.connectors.columns import object_schema
from tools.connectors.options import check_options
from tools.connectors.stripe_call import address, call
from tools.connectors.stripe_images import (
    CHARGE_ID,
    CURRENCY,
    CUSTOMER_ID,
    TAG,
    charge_image,
    id_of,
    is_tagged,
    require_id,
)
from tools.states import Effect, Idempotency

if TYPE_CHECKING:
    from tools.connectors.stripe_link import Link

Json = dict[str, Any]

REASONS: Final = ["requested_by_customer", "duplicate", "fraudulent"]
MAX_AMOUNT: Final = 99_999_999_999
"""The largest amount that Stripe takes: twelve digits in some currencies, eleven are enough here."""
CAME_TO_NOTHING: Final = frozenset({"failed", "canceled"})


class RefundCreate:
    """Refund one charge, wholly or in part; it cannot be taken back."""

    name: ClassVar[str] = "refund.create"
    effect: ClassVar[Effect] = Effect.IRREVERSIBLE
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = True
    idempotency: ClassVar[Idempotency] = Idempotency.ENFORCED

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``charge``, ``currency``, and optionally ``customer``, ``amount`` (absent: the rest), ``reason``."""
        check_options(options, "currencies", "max_amount")
        properties = {
            "charge": {"type": "string", "pattern": CHARGE_ID, "description": "The charge's id at Stripe."},
            "customer": {
                "type": "string",
                "pattern": CUSTOMER_ID,
                "description": "Whose charge it is; to be left out only where it is nobody's.",
            },
            "currency": _currency(options),
            "amount": {
                "type": "integer",
                "minimum": 1,
                "maximum": most(options),
                "description": "In the currency's smallest unit (cents); left out, all that remains is refunded.",
            },
            "reason": {"type": "string", "enum": REASONS},
        }
        return object_schema(properties, required=["charge", "currency"])

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return the charge's state; raise ``Refused`` with a sentence where this refund cannot be right."""
        found = call(target, lambda link: read_charge(link, arguments))
        amount_of(found, arguments, target.options)
        return found

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return ``before`` with the amount refunded."""
        if before is None:
            return None
        amount = int(arguments.get("amount") or before["remaining"])
        refunded, remaining = before["amount_refunded"] + amount, max(before["remaining"] - amount, 0)
        return {**before, "amount_refunded": refunded, "remaining": remaining}

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Refund, unless a refund with this key is there already; the result names it.

        Raises ``Drifted`` where the charge is not as it was when people decided.
        """

        def refund(link: "Link") -> Done:
            made = find_refund(link, arguments, key)
            if made is None:
                made = self._create(link, target, arguments, key, before)
            if not _as_asked(made, arguments, before):
                raise Unknown("Stripe answered with another refund than was asked for.", _evidence(target, made))
            if made.get("status") in CAME_TO_NOTHING:
                raise Refused(
                    f"Stripe began the refund {made.get('id')} and it came to nothing ({made['status']}): "
                    "look at it there, and propose another if one is due.",
                    _evidence(target, made),
                )
            return Done(_result(made), self._after(link, arguments, before))

        return call(target, refund)

    def _create(
        self, link: "Link", target: Target, arguments: Mapping[str, Any], key: str, before: Mapping[str, Any] | None
    ) -> Json:
        found = read_charge(link, arguments)
        if before is not None and found != dict(before):
            raise Drifted("The charge has changed since this refund was decided on: nothing was refunded.", found)
        amount = amount_of(found, arguments, target.options)
        reason = {"reason": arguments["reason"]} if arguments.get("reason") else {}
        params = {"charge": found["charge"], "amount": amount, **reason, "metadata": {TAG: key}}
        return link.write(lambda v1: v1.refunds.create(params, {"idempotency_key": key}))

    def _after(self, link: "Link", arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return the charge as it is now; as it was expected to be where it cannot be read: the refund is made."""
        try:
            return read_charge(link, arguments)
        except ConnectorError:
            return self.predict(arguments, before)

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return the charge's state; None where Stripe does not show the refund (any more)."""

        def look(link: "Link") -> Json | None:
            refund = done.result.get("refund")
            if refund is not None:
                made = link.find(lambda v1: v1.refunds.retrieve(refund))
                if made is None or made.get("status") in CAME_TO_NOTHING:
                    return None
            return read_charge(link, arguments)

        return call(target, look)

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Look for a refund that carries the key.

        "It did not happen" is safe to say: a try under the same key that is still on its way makes Stripe answer the
        next one with its own outcome, and refund once.
        """

        def look(link: "Link") -> tuple[Json | None, Json | None]:
            found = find_refund(link, arguments, key)
            return found, None if found is None else self._after(link, arguments, None)

        made, left = call(target, look)
        if made is None:
            sentence = "Stripe shows no refund of this charge under this action's key."
            return Probe(False, sentence, {"server": address(target), "charge": arguments.get("charge")})
        what = f"the refund {made.get('id')} of {spoken(int(made.get('amount') or 0), str(made.get('currency')))}"
        if made.get("status") in CAME_TO_NOTHING:
            sentence = f"Stripe shows {what} under this action's key, and that it came to nothing ({made['status']})."
            return Probe(None, sentence, _evidence(target, made))
        if not _as_asked(made, arguments, before):
            sentence = f"Stripe shows {what} under this action's key, which is not what was asked for."
            return Probe(None, sentence, _evidence(target, made))
        expected = left if left == self.predict(arguments, before) else None  # else it has been changed since
        return Probe(True, f"Stripe shows {what} under this action's key.", _evidence(target, made), after=expected)

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: a refund cannot be taken back."""
        return None


def read_charge(link: "Link", arguments: Mapping[str, Any]) -> Json:
    """Return the state of the charge that is named; raise ``Refused`` where there is none, or it is somebody else's."""
    charge = require_id(CHARGE_ID, arguments.get("charge"), "charge")
    found = link.find(lambda v1: v1.charges.retrieve(charge))
    if found is None:
        raise Refused("Stripe knows no such charge: look it up again.")
    image = charge_image(found)
    if image["customer"] != arguments.get("customer"):
        raise Refused(
            "This charge is not of the customer that is named: look up whose it is, and name them."
            if image["customer"]
            else "This charge is of no customer at Stripe: leave the customer out if it is the right one."
        )
    if image["currency"] != arguments.get("currency"):
        raise Refused(
            f"This charge is in {image['currency'].upper()}, not in {str(arguments.get('currency')).upper()}: "
            "name its own currency, and its amount in that."
        )
    return image


def amount_of(charge: Mapping[str, Any], arguments: Mapping[str, Any], options: Mapping[str, Any]) -> int:
    """Return what is to be refunded, in smallest units; raise ``Refused`` where nothing, or not so much, can be."""
    remaining, currency = int(charge["remaining"]), str(charge["currency"])
    amount = arguments.get("amount", remaining)
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise Refused("This charge has not been paid, so there is nothing to refund.")
    if charge["disputed"]:
        raise Refused("The customer disputes this charge at their bank: it is settled there, not by a refund.")
    if remaining <= 0:
        raise Refused(f"This charge of {spoken(charge['amount'], currency)} has been refunded already.")
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise Refused("The amount must be a whole number of the currency's smallest unit, and at least 1.")
    if amount > remaining:
        raise Refused(
            f"{spoken(amount, currency)} is more than the {spoken(remaining, currency)} that remain of this charge."
        )
    if amount > most(options):
        raise Refused(f"This tool refunds at most {spoken(most(options), currency)} at a time.")
    return amount


def find_refund(link: "Link", arguments: Mapping[str, Any], key: str) -> Json | None:
    """Return the refund of the charge that carries ``key``; None where there is none."""
    charge = require_id(CHARGE_ID, arguments.get("charge"), "charge")
    made = link.pages(lambda v1, params: v1.refunds.list(params), {"charge": charge})
    return next((refund for refund in made if is_tagged(refund, key)), None)


def _as_asked(made: Mapping[str, Any], arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Return whether a refund that Stripe tells of is of the charge, and of the amount, that was decided on."""
    amount = arguments.get("amount", None if before is None else before.get("remaining"))
    return id_of(made.get("charge")) == arguments.get("charge") and amount in (None, made.get("amount"))


def most(options: Mapping[str, Any]) -> int:
    """Return the largest amount of one refund, in smallest units; raise ``Refused`` for an unusable option."""
    largest = options.get("max_amount", MAX_AMOUNT)
    if isinstance(largest, bool) or not isinstance(largest, int) or not 0 < largest <= MAX_AMOUNT:
        raise Refused("The tool's option max_amount must be a whole number of smallest units: correct the tool.")
    if "max_amount" in options and len(options.get("currencies") or []) != 1:
        raise Refused("The tool's option max_amount needs exactly one of currencies beside it: correct the tool.")
    return largest


def _currency(options: Mapping[str, Any]) -> Json:
    listed = options.get("currencies")
    if listed is None:
        return {"type": "string", "pattern": CURRENCY, "description": "The charge's currency, such as eur."}
    if not isinstance(listed, list) or not listed or not all(_is_currency(item) for item in listed):
        raise Refused("The tool's option currencies must list codes such as eur, in small letters: correct the tool.")
    return {"type": "string", "enum": listed, "description": "The charge's currency."}


def _is_currency(item: object) -> bool:
    return isinstance(item, str) and len(item) == 3 and item.isascii() and item.isalpha() and item.islower()


def _result(made: Mapping[str, Any]) -> Json:
    amount, currency = int(made.get("amount") or 0), str(made.get("currency") or "")
    fields = {name: made.get(name) for name in ("status", "charge", "reason")}
    return {
        "refund": made.get("id"),
        "amount": amount,
        "currency": currency,
        "refunded": spoken(amount, currency),
        **fields,
    }


def _evidence(target: Target, made: Mapping[str, Any]) -> Json:
    return {"server": address(target), **_result(made)}
