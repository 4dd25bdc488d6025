"""Who is being served: a name for each HTTP request, which every line meanwhile bears, and one line at its end."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.problems import PROBES

log = logging.getLogger(__name__)

NAMED: Final = re.compile(r"[A-Za-z0-9_.-]{8,64}")
HEADER: Final = "X-Request-ID"
FROM_ADDRESS: Final = {"run_id": "run", "request_id": "request", "session_id": "session", "row_id": "row"}
"""Ids in addresses, and what they are called in a line."""


class AccessMiddleware:
    """Takes the name that a proxy gave (``X-Request-ID``) where it is a plain one, and says it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request under its name."""
        given = request.headers.get(HEADER, "")
        name = given if NAMED.fullmatch(given) else uuid4().hex
        clear_contextvars()
        bind_contextvars(http_request=name)
        began = time.monotonic()
        response = self.get_response(request)
        response[HEADER] = name
        if request.path_info not in PROBES:
            route = getattr(
                request.resolver_match, "route", ""
            )  # never what was searched for, or a token in an address
            told = (request.method, route, response.status_code, (time.monotonic() - began) * 1000)
            log.info("%s /%s: %d in %.0f ms", *told)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Note what the address is about."""
        bind_contextvars(**{FROM_ADDRESS[key]: str(value) for key, value in kwargs.items() if key in FROM_ADDRESS})
