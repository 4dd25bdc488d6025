"""Connector kind ``stripe``: customers, charges, refunds and subscriptions of one Stripe account, by the official SDK.

Every write sends the action's key as ``Idempotency-Key`` and leaves it in the object's metadata: the one makes Stripe
do it once, the other lets everybody find it again. See ``stripe_errors`` for what each failure proves.

Options: ``customer.find``, ``charge.find`` and ``subscription.find``: ``limit`` (1 to 100, 20 by default).
``refund.create``: ``currencies`` (that may be refunded), ``max_amount`` (of one refund, in smallest units; with exactly
one currency). ``customer.metadata``: ``keys`` (that may change).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tools.connectors.base import Operation, Target
from tools.connectors.columns import object_schema
from tools.connectors.stripe_call import BASE_URL, address, call
from tools.connectors.stripe_changes import CustomerMetadata, SubscriptionCancel
from tools.connectors.stripe_lookups import ChargeFind, CustomerFind, SubscriptionFind
from tools.connectors.stripe_refund import RefundCreate


class StripeConnector:
    """One Stripe account, reached with a key of its own."""

    kind: ClassVar[str] = "stripe"
    title: ClassVar[str] = "Stripe account"
    config_schema: ClassVar[dict[str, Any]] = object_schema(
        {
            "base_url": {
                "type": "string",
                "pattern": r"^https?://[^\s/?#@]+/?$",
                "maxLength": 300,
                "default": BASE_URL,
                "description": "Where the API is; Stripe's own if left out",
            },
            "api_version": {
                "type": "string",
                "pattern": r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?$",
                "description": "Another version of Stripe's API than the one that this connector was written for",
            },
        },
        required=[],
    )
    secret_schema: ClassVar[dict[str, Any]] = object_schema(
        {"api_key": {"type": "string", "pattern": "^(sk|rk)_[A-Za-z0-9_]{4,250}$"}}, required=["api_key"]
    )
    operations: ClassVar[Mapping[str, Operation]] = {
        made.name: made
        for made in (
            CustomerFind(),
            ChargeFind(),
            SubscriptionFind(),
            RefundCreate(),
            SubscriptionCancel(),
            CustomerMetadata(),
        )
    }

    def check(self, target: Target) -> str:
        """Ask for one charge and return a sentence; raise ``NotSent`` or ``Refused``."""
        call(target, lambda link: link.read(lambda v1: v1.charges.list({"limit": 1})))
        mode = "live" if "_live_" in str(target.secret.get("api_key")) else "test"
        return f"Stripe answered at {address(target)} to a {mode} key."
