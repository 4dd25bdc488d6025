"""What answers when no view did: problem+json under ``/api/``, a page everywhere else."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.urls import is_valid_path

from workspaces.api.problem import problem_page
from workspaces.console.problems import render_problem, too_large
from workspaces.errors import DomainError, Forbidden, Malformed, NotFound

API = "/api/"
PROBES = ("/healthz", "/readyz", "/metrics")


class PathMiddleware(CommonMiddleware):
    """Sends people on to the address with a slash; a program is told of it, since a POST does not survive the way.

    Probes ask by a machine's bare address, which is no name of ours: they are let through, and learn nothing by it.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Check the host's name, except where a probe asks."""
        return None if request.path_info in PROBES else super().process_request(request)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        """Say whether the address lacks nothing but its slash, and a person asks."""
        return not request.path.startswith(API) and super().should_redirect_with_slash(request)


class Broken(DomainError):
    """Something failed on our side; whoever asked learns that, and nothing about our insides."""

    code = "internal_error"
    http_status = 500


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what cannot be read."""
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, too_large())
    return _answer(request, Malformed("What was sent could not be read.", "Load it again and send it once more."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not allowed."""
    return _answer(request, Forbidden("You may not do this here.", "Ask an owner of the workspace."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not there, or not theirs."""
    hint = "It may have been removed, or belong to another workspace. Check the address."
    if request.path.startswith(API):
        hint = "Check the address: /api/v1/openapi.yaml describes all there are."
        if not request.path.endswith("/") and is_valid_path(f"{request.path}/"):
            hint = f"Addresses of the API end with a slash: {request.path}/"
    return _answer(request, NotFound("There is nothing here that you can see.", hint))


def broken(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours: it was logged, and its details stay with us."""
    message = "Something broke on our side; what you asked for may not have happened."
    return _answer(request, Broken(message, "Look whether it happened before you try again."))


def _answer(request: HttpRequest, error: DomainError) -> HttpResponse:
    return problem_page(error) if request.path.startswith(API) else render_problem(request, error)
