"""One streamed call over the wire, the same for every provider.

Opens the guarded client, iterates over the SDK's events as plain JSON objects (a server may send anything, so nothing
is taken for granted of them), and turns whatever the SDK raises into a ``ModelError``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx2

from agents.providers import failures
from agents.providers.base import Endpoint
from agents.providers.errors import ForeignToolOutput, StreamCut, Unreachable, UnreadableAnswer, WrongKey
from workspaces.errors import InvalidInput
from workspaces.outbound import GuardedClient, guarded_client

Event = dict[str, Any]

_UNREADABLE: Final = "The endpoint's answer does not follow the protocol"


@contextmanager
def exchange(endpoint: Endpoint, sdk_error: type[Exception], status_error: type[Exception]) -> Iterator[GuardedClient]:
    """Open the HTTP client of one call; inside, the SDK's errors become ``ModelError``.

    ``sdk_error`` is the root of the SDK's own errors and ``status_error`` the one with a status. The HTTP library's
    root is caught beside them because anthropic 2 lets it through once a stream has begun.
    """
    client = guarded_client(deadline_seconds=endpoint.deadline_seconds)
    with client:
        try:
            yield client
        except status_error as error:
            raise _from_status(error, endpoint) from error
        except sdk_error as error:
            raise _from_sdk(error, client, endpoint) from error
        except (httpx2.HTTPError, InvalidInput) as error:
            raise failures.from_connection(client.exchange, endpoint) from error


def events(stream: Iterable[Any]) -> Iterator[Event]:
    """Yield each event of the SDK's stream as a plain JSON object; raise ``UnreadableAnswer`` on anything else.

    Both SDKs parse the stream's text and JSON without a net: ``ValueError`` and ``RecursionError`` tell of the server.
    """
    iterator = iter(stream)
    while True:
        try:
            event = next(iterator)
        except StopIteration:
            return
        except (ValueError, RecursionError) as error:
            raise UnreadableAnswer(f"{_UNREADABLE}: {_first_line(error)}", may_have_cost=True) from error
        dump: Callable[..., object] | None = getattr(event, "to_dict", None)
        value = dump(warnings=False) if dump is not None else event
        if not isinstance(value, dict):
            raise UnreadableAnswer(f"{_UNREADABLE}: an event is not an object.", may_have_cost=True)
        yield cast(Event, value)


def text_of(value: Mapping[str, Any], key: str) -> str:
    """Return ``value[key]`` if it is text, else an empty text."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def object_of(value: Mapping[str, Any], key: str) -> Event:
    """Return ``value[key]`` if it is a JSON object, else an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def objects_of(value: Mapping[str, Any], key: str) -> list[Event]:
    """Return the JSON objects in the list ``value[key]``."""
    found = value.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def foreign(what: str) -> ForeignToolOutput:
    """Return the error for output of a tool that is not ours."""
    return ForeignToolOutput(
        f"The model's provider ran a tool of its own ({what[:80]!r}), which passed no gate; the answer was refused.",
        may_have_cost=True,
    )


def cut() -> StreamCut:
    """Return the error for a stream that ended without the provider's end mark."""
    return StreamCut("The stream ended before the answer was whole.", may_have_cost=True)


def base_url(endpoint: Endpoint, default: str) -> str:
    """Return the endpoint's address, or the provider's own; raise ``Unreachable`` where it is no HTTP address."""
    url = endpoint.base_url or default
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unreachable("The endpoint's address is not a URL that begins with https:// or http://.")
    return url


def required_key(endpoint: Endpoint) -> str:
    """Return the endpoint's key; raise ``WrongKey`` where none is set (an SDK would look for one by itself)."""
    if not endpoint.api_key:
        raise WrongKey("No key is set for this endpoint.")
    if not (endpoint.api_key.isascii() and endpoint.api_key.isprintable()):
        raise WrongKey("The key has characters that no key has.")
    return endpoint.api_key


def _from_status(error: Any, endpoint: Endpoint) -> Exception:
    status = int(error.status_code)
    message = failures.message_of(error.body, "")
    return failures.from_status(
        status, error.body, error.response.headers, message, endpoint=endpoint, streaming=status < 300
    )


def _from_sdk(error: Any, client: GuardedClient, endpoint: Endpoint) -> Exception:
    body = getattr(error, "body", None)
    if body is not None:  # an error event inside a stream that had begun
        message = failures.message_of(body, str(error))
        return failures.from_status(200, body, {}, message, endpoint=endpoint, streaming=True)
    return failures.from_connection(client.exchange, endpoint)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}, {str(error)[:120]}"
