"""Whoever belongs to a workspace that asks for a second factor, and has none, gets to setting one up and nowhere else.

Keys of service accounts have no session and are not held up. Sessions that passed a second factor are not looked at
again: they end when the factor does.
"""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from workspaces.api.problem import problem_page
from workspaces.console.problems import render_problem
from workspaces.errors import Forbidden
from workspaces.models import User
from workspaces.signin import factors
from workspaces.signin.entering import PASSED

SET_UP: Final = "console:second-factor"
OPEN: Final = frozenset({SET_UP, "console:sign-out", "console:sign-in", "console:sign-in-code", "people:join"})
API: Final = "/api/"


class SecondFactorRequired(Forbidden):
    """A workspace of theirs asks for a second factor that they have not set up."""

    code = "second_factor_required"


class SecondFactorMiddleware:
    """Holds up requests of a session, before their view is called."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer in the view's place where a second factor is missing."""
        match = request.resolver_match
        if match is None or match.view_name in OPEN or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if request.session.get(PASSED):
            return None
        if not isinstance(request.user, User) or not factors.must_set_up(request.user):
            return None
        if request.path.startswith(API):
            return problem_page(_missing())
        return redirect(SET_UP) if request.method in {"GET", "HEAD"} else render_problem(request, _missing())


def _missing() -> SecondFactorRequired:
    return SecondFactorRequired(
        "A workspace of yours asks its people for a second factor, and you have none yet.",
        "Set it up in the console, at /second-factor/.",
    )
