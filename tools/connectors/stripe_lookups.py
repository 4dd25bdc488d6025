"""Looking things up at Stripe: customers, and what was charged to them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tools.connectors.base import Done, Probe, Target
from tools.connectors.columns import object_schema
from tools.connectors.options import check_options, limit_of
from tools.connectors.stripe_call import address, call
from tools.connectors.stripe_images import (
    CHARGE_ID,
    CUSTOMER_ID,
    SUBSCRIPTION_ID,
    charge_row,
    customer_row,
    require_id,
    subscription_image,
)
from tools.states import Effect, Idempotency

if TYPE_CHECKING:
    from tools.connectors.stripe_link import Link

Json = dict[str, Any]

MAX_LIMIT: Final = 100


class Lookup:
    """A read: nothing to undo, nothing to predict, and it may be done again."""

    effect: ClassVar[Effect] = Effect.READ
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.ENFORCED

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Answer that nothing happened: a read leaves no trace and may be done again."""
        return Probe(False, "A read changes nothing: it can be done again.", {"server": address(target)})

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: there is nothing to undo."""
        return None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return None: nothing will change."""
        return None


class CustomerFind(Lookup):
    """Find customers by e-mail address (exactly as Stripe has it) or by id."""

    name: ClassVar[str] = "customer.find"

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``email`` and ``customer``, of which at least one must be given."""
        check_options(options, "limit")
        limit_of(options, MAX_LIMIT)
        properties = {
            "email": {"type": "string", "minLength": 3, "maxLength": 512},
            "customer": {"type": "string", "pattern": CUSTOMER_ID, "description": "The customer's id at Stripe."},
        }
        return object_schema(properties, required=[], at_least=1)

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Return ``{"rows": [...], "count", "truncated"}``: id, e-mail, name, metadata, and when it was created."""
        limit, email = limit_of(target.options, MAX_LIMIT), arguments.get("email")

        def look(link: "Link") -> tuple[list[Json], bool]:
            if (customer := arguments.get("customer")) is not None:
                return _one_customer(link, customer, email), False
            page = link.read(lambda v1: v1.customers.list({"email": email, "limit": limit}))
            return page.get("data") or [], bool(page.get("has_more"))

        found, more = call(target, look)
        return _rows([customer_row(item) for item in found], more)


class ChargeFind(Lookup):
    """Find the charges of one customer, the newest first, or one charge by its id."""

    name: ClassVar[str] = "charge.find"

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``customer`` and ``charge``, of which at least one must be given."""
        check_options(options, "limit")
        limit_of(options, MAX_LIMIT)
        properties = {
            "customer": {"type": "string", "pattern": CUSTOMER_ID, "description": "The customer's id at Stripe."},
            "charge": {"type": "string", "pattern": CHARGE_ID, "description": "The charge's id at Stripe."},
        }
        return object_schema(properties, required=[], at_least=1)

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Return ``{"rows": [...], "count", "truncated"}``; amounts are in the currency's smallest unit.

        A charge that belongs to another customer than the one named is not found.
        """
        limit, customer = limit_of(target.options, MAX_LIMIT), arguments.get("customer")

        def look(link: "Link") -> tuple[list[Json], bool]:
            if (charge := arguments.get("charge")) is not None:
                require_id(CHARGE_ID, charge, "charge")
                found = link.find(lambda v1: v1.charges.retrieve(charge))
                return [found] if found else [], False
            if link.find(lambda v1: v1.customers.retrieve(require_id(CUSTOMER_ID, customer, "customer"))) is None:
                return [], False
            page = link.read(lambda v1: v1.charges.list({"customer": customer, "limit": limit}))
            return page.get("data") or [], bool(page.get("has_more"))

        found, more = call(target, look)
        rows = [charge_row(item) for item in found]
        rows = [row for row in rows if customer in (None, row["customer"])]
        return _rows(sorted(rows, key=lambda row: row["created"] or "", reverse=True), more)


class SubscriptionFind(Lookup):
    """Find the subscriptions of one customer that have not ended, or one of them by its id."""

    name: ClassVar[str] = "subscription.find"

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``customer`` and ``subscription``, of which at least one must be given."""
        check_options(options, "limit")
        limit_of(options, MAX_LIMIT)
        properties = {
            "customer": {"type": "string", "pattern": CUSTOMER_ID, "description": "The customer's id at Stripe."},
            "subscription": {"type": "string", "pattern": SUBSCRIPTION_ID, "description": "Its id at Stripe."},
        }
        return object_schema(properties, required=[], at_least=1)

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Return ``{"rows": [...], "count", "truncated"}``; one of another customer than the one named is not found."""
        limit, customer = limit_of(target.options, MAX_LIMIT), arguments.get("customer")

        def look(link: "Link") -> tuple[list[Json], bool]:
            if (subscription := arguments.get("subscription")) is not None:
                require_id(SUBSCRIPTION_ID, subscription, "subscription")
                found = link.find(lambda v1: v1.subscriptions.retrieve(subscription))
                return [found] if found else [], False
            if link.find(lambda v1: v1.customers.retrieve(require_id(CUSTOMER_ID, customer, "customer"))) is None:
                return [], False
            page = link.read(lambda v1: v1.subscriptions.list({"customer": customer, "limit": limit}))
            return page.get("data") or [], bool(page.get("has_more"))

        found, more = call(target, look)
        rows = [{"id": item.get("id"), **subscription_image(item)} for item in found]
        return _rows([row for row in rows if customer in (None, row["customer"])], more)


def _one_customer(link: "Link", customer: object, email: object) -> list[Json]:
    found = link.find(lambda v1: v1.customers.retrieve(require_id(CUSTOMER_ID, customer, "customer")))
    return [found] if found and email in (None, found.get("email")) else []


def _rows(rows: list[Json], more: bool) -> Done:
    return Done({"rows": rows, "count": len(rows), "truncated": more})
