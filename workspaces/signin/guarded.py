"""What django-allauth takes for a session of ``requests``, and is our outbound guard: addresses checked, time capped.

One deadline holds for all that one page asks of the issuer, so that an issuer which hangs holds nothing up for long.
"""

import time
from typing import Any, Final

import httpx2
from requests import RequestException

from workspaces.errors import DomainError
from workspaces.outbound import guarded_client

MAX_BYTES: Final = 1024 * 1024


class GuardedSession:
    """The part of ``requests.Session`` that django-allauth uses; every failure is a ``RequestException``."""

    def __init__(self, until: float) -> None:
        self._client = guarded_client(deadline_seconds=max(until - time.monotonic(), 0.001), max_bytes=MAX_BYTES)

    def __enter__(self) -> "GuardedSession":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, headers: dict[str, str] | None = None) -> "Answer":
        """Fetch ``url``."""
        return self.request("GET", url, headers=headers)

    def request(self, method: str, url: str, *, auth: Any = None, **given: Any) -> "Answer":
        """Ask for ``url``; ``auth`` holds a ``username`` and a ``password``."""
        if auth is not None:
            given["auth"] = (auth.username, auth.password)
        try:
            return Answer(self._client.request(method, url, **given))
        except (httpx2.HTTPError, httpx2.InvalidURL, DomainError) as error:
            raise RequestException(f"{type(error).__name__}: {error}") from error


class Answer:
    """What came back."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status_code, self.headers = response.status_code, response.headers
        self.content, self.text = response.content, response.text

    def raise_for_status(self) -> None:
        """Raise unless it is a success; a redirect is none."""
        if not 200 <= self.status_code < 300:
            raise RequestException(f"The issuer answered {self.status_code}.")

    def json(self) -> dict[str, Any]:
        """Return the JSON object; raise where it is no such thing."""
        try:
            found = httpx2.Response(200, content=self.content).json()
        except ValueError as error:
            raise RequestException("The issuer sent no JSON.") from error
        if not isinstance(found, dict):
            raise RequestException("The issuer sent no JSON object.")
        return found
