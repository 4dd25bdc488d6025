"""Stripe's own SDK over our guarded HTTP: one link per call, one deadline over all of it, no retries.

This module imports the SDK, which is large: ``stripe_call`` imports it when the first call is made.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol

import httpx2
import stripe

from tools.connectors.base import ConnectorError, Refused, Target
from tools.connectors.stripe_errors import Asked, classed
from workspaces.errors import InvalidInput
from workspaces.outbound import GuardedClient

Json = dict[str, Any]

API_VERSION: Final = "2026-10-28.endive"
"""The version of Stripe's API that images and errors were written for; Stripe keeps answering in it."""
PAGE: Final = 100
MAX_PAGES: Final = 10

stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # it logs whom was looked up


class Resource(Protocol):
    """What the SDK answers with."""

    def to_dict(self, recursive: bool = True, for_json: bool = False) -> Json: ...


Ask = Callable[[Any], Resource]
"""A function from the SDK's services (``client.v1``) to what one of them answers."""


class GuardedHTTP(stripe.HTTPClient):
    """The SDK's way to the network: our guarded client, which knows whether anything of a request was sent."""

    name: ClassVar[str] = "guarded"

    def __init__(self, client: GuardedClient) -> None:
        super().__init__()
        self.client = client

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Send one request; raise the SDK's connection error where no whole answer came."""
        self.client.exchange.sent = False
        try:
            answer = self.client.request(method.upper(), url, headers=dict(headers or {}), content=post_data)
        except (httpx2.HTTPError, InvalidInput) as error:
            problem = type(error).__name__
        else:
            answer.headers.pop("Stripe-Notice", None)  # the SDK would print it
            return answer.content.decode("utf-8", "replace"), answer.status_code, answer.headers
        raise stripe.APIConnectionError(problem)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class Link:
    """The SDK's client for one call: reads and writes, whose failures are ``NotSent``, ``Refused`` or ``Unknown``."""

    def __init__(self, target: Target, base_url: str, client: GuardedClient) -> None:
        self._target, self._base_url, self._http = target, base_url, GuardedHTTP(client)
        self._stripe = stripe.StripeClient(
            str(target.secret.get("api_key") or ""),
            http_client=self._http,
            base_addresses={"api": base_url},
            stripe_version=str(target.config.get("api_version") or API_VERSION),
            max_network_retries=0,
        )

    def read(self, ask: Ask) -> Json:
        """Return what is asked for; raise ``Refused`` or ``NotSent``."""
        return self._ask(ask, write=False)

    def find(self, ask: Ask) -> Json | None:
        """Return what is asked for; None where there is no such object, or it was deleted."""
        try:
            found = self._ask(ask, write=False)
        except Refused as refusal:
            if refusal.evidence.get("status") != 404:
                raise
            found = {"deleted": True}
        return None if found.get("deleted") else found

    def pages(self, ask: Callable[[Any, Json], Resource], params: Json) -> list[Json]:
        """Return all objects of a list, at most a thousand; raise ``Refused`` where there are more."""
        found: list[Json] = []
        for _ in range(MAX_PAGES):
            after = {"starting_after": found[-1]["id"]} if found else {}
            asked = {**params, **after, "limit": PAGE}
            page = self.read(lambda v1, asked=asked: ask(v1, asked))  # type: ignore[misc]
            found += page.get("data") or []
            if not page.get("has_more"):
                return found
        raise Refused(f"There are more than {PAGE * MAX_PAGES} of them: a person has to look at Stripe.")

    def write(self, ask: Ask) -> Json:
        """Change something, once; raise ``NotSent``, ``Refused`` or ``Unknown``."""
        return self._ask(ask, write=True)

    def _ask(self, ask: Ask, *, write: bool) -> Json:
        """Ask, and raise failures outside of the SDK's handlers: its exceptions hold the request."""
        failure: ConnectorError
        try:
            return ask(self._stripe.v1).to_dict(for_json=True)
        except stripe.StripeError as error:
            asked = Asked(write, self._http.client.exchange, self._base_url, self._target.secret)
            failure = classed(error, asked)
        raise failure
