"""What Stripe's objects look like here: rows that agents read, and images that people compare; amounts as Stripe's."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tools.connectors.base import Refused

Json = dict[str, Any]

TAG: Final = "countersign_action"
"""The metadata key under which every object that we write carries the idempotency key of the action."""

CUSTOMER_ID: Final = r"^cus_[A-Za-z0-9_]{1,250}$"
CHARGE_ID: Final = r"^(ch|py)_[A-Za-z0-9_]{1,250}$"
SUBSCRIPTION_ID: Final = r"^sub_[A-Za-z0-9_]{1,250}$"
CURRENCY: Final = r"^[a-z]{3}$"


def require_id(pattern: str, value: object, what: str) -> str:
    """Return ``value``, which is an id of this kind: nothing else may become part of an address; else ``Refused``."""
    if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
        raise Refused(f"This is not the id of a {what} at Stripe: look it up.")
    return value


def customer_row(customer: Mapping[str, Any]) -> Json:
    """Return what an agent reads of a customer."""
    return {name: customer.get(name) for name in ("id", "email", "name")} | {
        "metadata": metadata_of(customer),
        "created": moment(customer.get("created")),
    }


def charge_row(charge: Mapping[str, Any]) -> Json:
    """Return what an agent reads of a charge."""
    return {
        "id": charge.get("id"),
        **{name: value for name, value in charge_image(charge).items() if name != "charge"},
        "description": charge.get("description"),
        "payment_intent": id_of(charge.get("payment_intent")),
        "created": moment(charge.get("created")),
    }


def charge_image(charge: Mapping[str, Any]) -> Json:
    """Return the state of a charge that a refund changes, or that would forbid it."""
    amount, refunded = int(charge.get("amount") or 0), int(charge.get("amount_refunded") or 0)
    captured = charge.get("amount_captured")
    held = amount if captured is None else int(captured)
    return {
        "charge": charge.get("id"),
        "customer": id_of(charge.get("customer")),
        "currency": str(charge.get("currency") or "").lower(),
        "amount": amount,
        "amount_refunded": refunded,
        "remaining": max(held - refunded, 0),
        "status": charge.get("status"),
        "captured": bool(charge.get("captured", True)),
        "disputed": bool(charge.get("disputed", False)),
    }


def subscription_image(subscription: Mapping[str, Any]) -> Json:
    """Return the state of a subscription that cancelling and resuming change, and until when it is paid."""
    return {
        "subscription": subscription.get("id"),
        "customer": id_of(subscription.get("customer")),
        "status": subscription.get("status"),
        "cancel_at_period_end": bool(subscription.get("cancel_at_period_end")),
        "period_ends": moment(_period_end(subscription)),
    }


def metadata_of(thing: Mapping[str, Any]) -> dict[str, str]:
    """Return an object's metadata without our own mark; an empty value is none, as Stripe has it."""
    found = thing.get("metadata") or {}
    return {str(name): str(value) for name, value in sorted(found.items()) if name != TAG and value not in (None, "")}


def is_tagged(thing: Mapping[str, Any], key: str) -> bool:
    """Return whether the last action of ours that wrote this object is the one with this idempotency key."""
    return bool(key) and (thing.get("metadata") or {}).get(TAG) == key


def id_of(reference: Any) -> str | None:
    """Return the id of another object that is referred to by its id or stands there whole."""
    found = reference.get("id") if isinstance(reference, Mapping) else reference
    return None if found is None else str(found)


def moment(seconds: Any) -> str | None:
    """Return Stripe's Unix seconds as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _period_end(subscription: Mapping[str, Any]) -> Any:
    """Return the end of the current period, which newer versions of the API keep at the items."""
    items = (subscription.get("items") or {}).get("data") or []
    ends = [item.get("current_period_end") for item in items if item.get("current_period_end")]
    return subscription.get("current_period_end") or (max(ends) if ends else None)
