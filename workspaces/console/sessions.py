"""Signing in and out, and choosing among one's workspaces. Nothing here changes on a GET."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from workspaces.console.problems import render_problem
from workspaces.errors import DomainError
from workspaces.tenancy import choose_workspace


class TooManyTries(DomainError):
    """Too many wrong passwords came for one account from one place."""

    code = "too_many_tries"
    http_status = 429


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """Asks for e-mail and password; django-axes slows guessing down."""

    template_name = "workspaces/sign_in.html"
    redirect_authenticated_user = True

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["username"].label = "E-mail"
        return form


def locked_out(request: HttpRequest, credentials: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer a sign-in that was tried too often (django-axes' lock-out callable)."""
    error = TooManyTries("There were too many wrong passwords.", "Wait a quarter of an hour, then try again.")
    answer = render_problem(request, error)
    answer["Retry-After"] = "900"
    return answer


@require_POST
def switch_workspace(request: HttpRequest) -> HttpResponseRedirect:
    """Make another of the person's workspaces the current one."""
    choose_workspace(request, request.POST.get("workspace", ""))
    onward = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return redirect(onward if safe else "/")
