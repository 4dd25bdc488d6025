"""Signing in and out, and choosing among one's workspaces. Nothing here changes on a GET."""

import math
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces.console.problems import render_problem
from workspaces.signin import factors, issuer
from workspaces.signin.entering import about_to_enter, enter, pass_factor
from workspaces.signin.lockout import TooManyTries, too_many
from workspaces.tenancy import choose_workspace

WRONG = "This code is wrong, or was used before. Wait until the app shows the next one."


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your app, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """Asks for e-mail and password; django-axes slows guessing down."""

    template_name = "workspaces/sign_in.html"
    redirect_authenticated_user = True

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["username"].label = "E-mail"
        return form

    def form_valid(self, form: Any) -> HttpResponseRedirect:
        """Sign in, or ask for the second factor first."""
        return HttpResponseRedirect(enter(self.request, form.get_user(), self.get_success_url()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        named = settings.OIDC_NAME if issuer.is_configured() else ""
        return super().get_context_data(**kwargs, single_sign_on=named)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """Ask whoever gave the right password for the second factor."""
    user = about_to_enter(request)
    if user is None:
        return redirect("console:sign-in")
    form = CodeForm(request.POST if request.method == "POST" else None)
    form.fields["code"].widget.attrs["autofocus"] = True
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            kind, onward = pass_factor(request, user, form.cleaned_data["code"])
        except TooManyTries:
            return locked_out(request)
        if kind:
            return _entered(request, user, kind, onward)
        form.add_error("code", WRONG)
        status = 422
    return render(request, "workspaces/sign_in_code.html", {"form": form, "frame": None}, status=status)


def _entered(request: HttpRequest, user: Any, kind: str, onward: str) -> HttpResponse:
    if kind == factors.CODES:
        left = factors.codes_left(user)
        messages.warning(request, f"That was a recovery code, which serves once. {left} are left.")
    return redirect(onward)


def locked_out(request: HttpRequest, credentials: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer a sign-in that was tried too often (django-axes' lock-out callable)."""
    answer = render_problem(request, too_many())
    answer["Retry-After"] = str(math.ceil(settings.AXES_COOLOFF_TIME.total_seconds()))
    return answer


@require_POST
def switch_workspace(request: HttpRequest) -> HttpResponseRedirect:
    """Make another of the person's workspaces the current one."""
    choose_workspace(request, request.POST.get("workspace", ""))
    onward = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return redirect(onward if safe else "/")
