"""What every console view asks of its request: who it is, whether a region is enough, and where to go back to."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from workspaces.models import User


def person_of(request: HttpRequest) -> User:
    """Return who is signed in; the middleware lets nobody else come this far."""
    if not isinstance(request.user, User):
        raise TypeError("A page that needs no sign-in has no person.")
    return request.user


def wants_region(request: HttpRequest) -> bool:
    """Tell whether a live region asks for itself again, rather than a person for the page."""
    return request.headers.get("HX-Request") == "true"


def way_back(request: HttpRequest, otherwise: str) -> str:
    """Return the path of our own page that the form stood on, else ``otherwise``: a form sent again stood on none."""
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return otherwise
    parts = urlsplit(came_from)
    if parts.path == request.path:
        return otherwise
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def page_number(request: HttpRequest) -> int:
    """Return the page asked for by ``?page=``, from 1; anything that is no such number is the first page."""
    asked = request.GET.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) <= 6 else 1
