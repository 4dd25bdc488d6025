"""One try of one delivery: an HTTP POST through the outbound guard, with no database connection held."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from django.conf import settings

from audit.webhooks.claims import Claim
from audit.webhooks.messages import body, headers
from workspaces.crypto import Unreadable
from workspaces.database import release_connection
from workspaces.errors import InvalidInput
from workspaces.outbound import guarded_client

MAX_BYTES = 64 * 1024
LONGEST_PROBLEM = 300
GONE = 410


@dataclass(frozen=True)
class Answer:
    """What came of it: the status code, None where there was none; a sentence where it failed; a wait asked for."""

    status: int | None = None
    problem: str = ""
    retry_after: float = 0.0

    @property
    def is_gone(self) -> bool:
        """Say whether the endpoint wants nothing more, ever."""
        return self.status == GONE


def send(claim: Claim) -> Answer:
    """Send it and return what came back; whatever the other side does, that takes ``WEBHOOK_SECONDS`` at most."""
    now = datetime.now(UTC)
    try:
        secrets = claim.delivery.endpoint.open_secrets(now)
    except Unreadable as error:
        return Answer(problem=f"The webhook's secret cannot be opened: {error}")
    content = body(claim.event)
    signed = headers(claim.event, content, secrets, now)
    release_connection()
    return _posted(claim.delivery.endpoint.url, content, signed)


def _posted(url: str, content: bytes, signed: dict[str, str]) -> Answer:
    try:
        with (
            guarded_client(deadline_seconds=settings.WEBHOOK_SECONDS, max_bytes=MAX_BYTES) as client,
            client.stream("POST", url, content=content, headers=signed) as response,
        ):
            return _judged(response.status_code, response.headers.get("retry-after", ""))
    except InvalidInput as refusal:
        return Answer(problem=refusal.message[:LONGEST_PROBLEM])  # it names a host of up to 253 letters
    except httpx2.TimeoutException:
        return Answer(problem=f"The endpoint did not answer within {settings.WEBHOOK_SECONDS} seconds.")
    except httpx2.ConnectError:
        return Answer(problem="The endpoint could not be connected to.")
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return Answer(problem="The connection ended before the endpoint had answered.")


def _judged(status: int, retry_after: str) -> Answer:
    """Return the answer by its status alone: what else the endpoint said is not read."""
    if 200 <= status < 300:
        return Answer(status)
    if 300 <= status < 400:
        return Answer(status, f"The endpoint answered {status}, a redirect, which is not followed.")
    if status == GONE:
        return Answer(status, "The endpoint answered 410: it wants nothing more.")
    return Answer(status, f"The endpoint answered {status}.", _seconds(retry_after))


def _seconds(text: str) -> float:
    """Return the seconds that a Retry-After asks for (RFC 9110, 10.2.3); zero for what cannot be read."""
    spoken = text.strip()
    if spoken.isascii() and spoken.isdigit():
        return float(spoken[:9])
    try:
        at = parsedate_to_datetime(spoken)
    except (ValueError, OverflowError):
        return 0.0
    return max((at - datetime.now(UTC)).total_seconds(), 0.0) if at.tzinfo else 0.0
