"""What a person sees when something cannot be done: the status, what is wrong, and what to do next."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import select_template
from django.utils.html import escape
from django.utils.http import url_has_allowed_host_and_scheme

from workspaces.errors import DomainError, Forbidden, TooLarge


class ProblemMiddleware:
    """Turns every ``DomainError`` of a console view into a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Render what a view raised; anything but a ``DomainError`` stays a fault of ours."""
        if isinstance(exception, RequestDataTooBig):
            return render_problem(request, too_large())
        return render_problem(request, exception) if isinstance(exception, DomainError) else None


def too_large() -> TooLarge:
    """Return the error for a body over the limit."""
    return TooLarge("More than 2 MB was sent.", "Send less; a ticket holds up to 100 kB of text.")


def render_problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with ``error`` as a page; without a template for its status the general one serves."""
    status = error.http_status
    names = [f"{status}.html", "500.html" if status >= 500 else "400.html"]
    context = {"status": status, "message": error.message, "hint": error.hint, "code": error.code}
    context["back_url"] = _came_from(request)
    try:
        body = select_template(names).render(context, request)
    except TemplateDoesNotExist:
        body = f"<!doctype html><title>{status}</title><p>{escape(error.message)}</p><p>{escape(error.hint)}</p>"
    return HttpResponse(body, status=status)


def _came_from(request: HttpRequest) -> str:
    """Return the page of this console that led here, as a path; empty where none did or it was this one."""
    came = urlsplit(request.headers.get("Referer", ""))
    path = came._replace(scheme="", netloc="").geturl()
    try:
        ours = request.get_host()
    except DisallowedHost:
        return ""  # it is the name that is wrong
    known = came.netloc == ours and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if known and path != request.get_full_path() else ""


def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token (Django's CSRF failure view)."""
    message = "This form was not sent from a page of yours."
    return render_problem(request, Forbidden(message, "Load the page again and send it once more."))
