"""Changes at Stripe that can be undone: ending a subscription with its period, and what is noted on a customer.

Both mark the object with the action's key in its metadata, in the same request that changes it: a probe finds it there.
The mark is no part of the images, so that one action's mark is not the drift of another.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tools.connectors.base import ConnectorError, Done, Drifted, Probe, Refused, Target, Unknown
from tools.connectors.columns import NO_NUL, object_schema
from tools.connectors.options import check_options
from tools.connectors.stripe_call import address, call
from tools.connectors.stripe_images import (
    CUSTOMER_ID,
    SUBSCRIPTION_ID,
    TAG,
    is_tagged,
    metadata_of,
    require_id,
    subscription_image,
)
from tools.states import Effect, Idempotency

if TYPE_CHECKING:
    from tools.connectors.stripe_link import Link, Resource

Json = dict[str, Any]
ENDED = frozenset({"canceled", "incomplete_expired"})


class Change(ABC):
    """One reversible change of one object: read, compare, set, and find again by the key."""

    effect: ClassVar[Effect] = Effect.REVERSIBLE
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.ENFORCED

    @abstractmethod
    def read(self, link: "Link", arguments: Mapping[str, Any]) -> tuple[Json, Json]:
        """Return the object as Stripe has it, and its image; raise ``Refused`` where there is none."""

    @abstractmethod
    def params(self, arguments: Mapping[str, Any]) -> Json:
        """Return what is to be set; the mark comes beside it."""

    @abstractmethod
    def ask(self, v1: Any, arguments: Mapping[str, Any], params: Json, options: Json) -> "Resource":
        """Send the change."""

    @abstractmethod
    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return the image expected afterwards."""

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return the state that would change; raise ``Refused`` where the object is not there or not theirs."""
        return call(target, lambda link: self.read(link, arguments)[1])

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Change it, unless it carries this key and the change already; raise ``Drifted`` where it has moved since."""

        def change(link: "Link") -> Done:
            there, image = self.read(link, arguments)
            if is_tagged(there, key) and image == self.predict(arguments, image):
                return Done({"id": there.get("id"), "state": image}, image)
            if before is not None and image != dict(before):
                raise Drifted("It has changed since this was decided on: nothing was done.", image)
            params = self.params(arguments)
            params["metadata"] = {**params.get("metadata", {}), TAG: key}
            link.write(lambda v1: self.ask(v1, arguments, params, {"idempotency_key": key}))
            after = self._after(link, arguments, image)
            if after == image != self.predict(arguments, image):
                raise Unknown("Stripe said yes, and shows it as it was.", {"id": there.get("id"), "found": after})
            return Done({"id": there.get("id"), "state": after}, after)

        return call(target, change)

    def _after(self, link: "Link", arguments: Mapping[str, Any], image: Json) -> Json | None:
        """Return the state now; the expected one where it cannot be read: the change is made."""
        try:
            return self.read(link, arguments)[1]
        except ConnectorError:
            return self.predict(arguments, image)

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return the state as it is now."""
        return self.before(target, arguments)

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Look for the key on the object; without it, compare the state with what it was."""
        there, image = call(target, lambda link: self.read(link, arguments))
        evidence = {"server": address(target), "id": there.get("id"), "found": image}
        if is_tagged(there, key):
            left = image if image == self.predict(arguments, before) else None  # else it has been changed since
            return Probe(True, "Stripe shows this action's key on it.", evidence, after=left)
        if before is not None and image == dict(before):
            return Probe(False, "Stripe shows it as it was, without this action's key.", evidence)
        return Probe(
            None, "Stripe shows it changed, and not by this action's key alone: a person has to look.", evidence
        )


class SubscriptionCancel(Change):
    """End a subscription with the period that is paid, or take that back."""

    name: ClassVar[str] = "subscription.cancel_at_period_end"

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``subscription``, ``customer`` (whose it is) and ``cancel`` (false: it goes on), all required."""
        check_options(options)
        properties = {
            "subscription": {"type": "string", "pattern": SUBSCRIPTION_ID, "description": "Its id at Stripe."},
            "customer": {"type": "string", "pattern": CUSTOMER_ID, "description": "Whose subscription it is."},
            "cancel": {"type": "boolean", "description": "true: end it with its period; false: let it go on."},
        }
        return object_schema(properties, required=["subscription", "customer", "cancel"])

    def read(self, link: "Link", arguments: Mapping[str, Any]) -> tuple[Json, Json]:
        """Return the subscription and its image."""
        subscription = require_id(SUBSCRIPTION_ID, arguments.get("subscription"), "subscription")
        found = link.find(lambda v1: v1.subscriptions.retrieve(subscription))
        if found is None:
            raise Refused("Stripe knows no such subscription: look it up again.")
        image = subscription_image(found)
        if image["customer"] != arguments.get("customer"):
            raise Refused("This subscription is not of the customer that is named: look up whose it is.")
        if image["status"] in ENDED:
            raise Refused("This subscription has ended: it can neither be cancelled nor go on.")
        return found, image

    def params(self, arguments: Mapping[str, Any]) -> Json:
        """Return whether it ends with its period."""
        return {"cancel_at_period_end": bool(arguments["cancel"])}

    def ask(self, v1: Any, arguments: Mapping[str, Any], params: Json, options: Json) -> "Resource":
        """Send the change."""
        changed: Resource = v1.subscriptions.update(arguments["subscription"], params, options)
        return changed

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return ``before``, ending or going on."""
        return None if before is None else {**before, "cancel_at_period_end": bool(arguments["cancel"])}

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return the same call with what it was before; None where nothing changed."""
        if before is None or bool(before["cancel_at_period_end"]) == bool(arguments["cancel"]):
            return None
        return {**arguments, "cancel": bool(before["cancel_at_period_end"])}


class CustomerMetadata(Change):
    """Set or remove notes on a customer, of the keys that the tool may change."""

    name: ClassVar[str] = "customer.metadata"

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``customer``, and ``metadata`` with one optional property per key (null removes it)."""
        check_options(options, "keys")
        value = {"type": "string", "minLength": 1, "maxLength": 500, "pattern": NO_NUL}
        note = {"anyOf": [value, {"type": "null"}]}
        notes = object_schema({key: note for key in keys_of(options)}, required=[], at_least=1)
        properties = {
            "customer": {"type": "string", "pattern": CUSTOMER_ID, "description": "The customer's id at Stripe."},
            "metadata": {name: part for name, part in notes.items() if name != "$schema"},
        }
        return object_schema(properties, required=["customer", "metadata"])

    def read(self, link: "Link", arguments: Mapping[str, Any]) -> tuple[Json, Json]:
        """Return the customer, and as image the notes that would change; None stands for "not there"."""
        customer = require_id(CUSTOMER_ID, arguments.get("customer"), "customer")
        found = link.find(lambda v1: v1.customers.retrieve(customer))
        if found is None:
            raise Refused("Stripe knows no such customer: look them up again.")
        there = metadata_of(found)
        return found, {"customer": customer, "metadata": {key: there.get(key) for key in arguments["metadata"]}}

    def params(self, arguments: Mapping[str, Any]) -> Json:
        """Return the notes; an empty one is removed by Stripe."""
        return {"metadata": {key: value or "" for key, value in arguments["metadata"].items()}}

    def ask(self, v1: Any, arguments: Mapping[str, Any], params: Json, options: Json) -> "Resource":
        """Send the change."""
        changed: Resource = v1.customers.update(arguments["customer"], params, options)
        return changed

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return ``before`` with the notes set."""
        return None if before is None else {**before, "metadata": {**before["metadata"], **arguments["metadata"]}}

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return the earlier value of every note that changed; None where none did."""
        if before is None:
            return None
        had = before["metadata"]
        changed = {key: had.get(key) for key, value in arguments["metadata"].items() if had.get(key) != value}
        return {"customer": arguments["customer"], "metadata": changed} if changed else None


def keys_of(options: Mapping[str, Any]) -> list[str]:
    """Return the metadata keys that a tool may change; raise ``Refused`` for an unusable option."""
    keys = options.get("keys")
    if not isinstance(keys, list) or not keys or len(keys) > 49 or not all(_is_key(key) for key in keys):
        raise Refused("The tool's option keys must list 1 to 49 metadata keys of at most 40 letters: correct the tool.")
    return keys


def _is_key(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= 40 and key.isprintable() and not set(key) & set("[]") and key != TAG
