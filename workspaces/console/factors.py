"""One's own second factor: setting it up, new recovery codes, removing it. Codes and secrets are shown once."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces.console.asking import person_of
from workspaces.console.sessions import CodeForm, locked_out
from workspaces.crypto import Unreadable
from workspaces.errors import InvalidInput, StaleState
from workspaces.models import User
from workspaces.operations import factors as operations
from workspaces.signin import factors, lockout, sealing
from workspaces.signin.entering import stay

SEALED: Final = "second_factor_secret"
PLACE: Final = "console:second-factor"
WRONG_PASSWORD: Final = "This is not your password."  # noqa: S105 - a sentence


class SetUpForm(CodeForm):
    """The first code of the app, and the password of whoever has one: a session that was left open is not enough."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.fields["code"].help_text = "Six digits, which the app shows once it has taken the secret up."
        if not user.has_usable_password():
            del self.fields["password"]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Show the second factor, or how to set it up; POST sets it up."""
    user = person_of(request)
    if factors.has_factor(user):
        if request.method == "POST":
            raise StaleState("You have a second factor already.", "Remove it first, if it is to be another one.")
        return _page(request, user, CodeForm(auto_id="renew_%s"), CodeForm(auto_id="remove_%s"))
    form = SetUpForm(user, request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        try:
            return _set_up(request, user, form)
        except InvalidInput as error:
            status = _say(form, error)
    secret = _secret(request, user)
    context = {"form": form, "secret": spaced(secret), "drawn": factors.drawn(user, secret), **_alone(user)}
    return render(request, "people/second_factor_new.html", context, status=status)


def _set_up(request: HttpRequest, user: User, form: SetUpForm) -> HttpResponse:
    if not form.is_valid():
        raise InvalidInput("These fields cannot be used.")
    given = form.cleaned_data.get("password")
    if given is not None and authenticate(request, username=user.email, password=given) is None:
        raise InvalidInput(WRONG_PASSWORD, fields={"password": [WRONG_PASSWORD]})
    codes = operations.set_up_factor(user=user, secret=_secret(request, user), code=form.cleaned_data["code"], by=user)
    request.session.pop(SEALED, None)
    stay(request, user, passed=True)
    return _codes(request, codes, "Your second factor is set up. You are asked for it from the next sign-in on.")


@never_cache
@require_POST
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, once; the old ones end."""
    user, form = _holder(request), CodeForm(request.POST, auto_id="renew_%s")
    lockout.check_codes(request, user)
    try:
        codes = operations.renew_codes(user=user, code=_code(form), by=user)
    except InvalidInput as error:
        return _refused(request, user, form, error, CodeForm(auto_id="remove_%s"), first=True)
    lockout.note_right_code(user)
    return _codes(request, codes, "The recovery codes from before serve no more.")


@never_cache
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Remove the second factor."""
    user, form = _holder(request), CodeForm(request.POST, auto_id="remove_%s")
    lockout.check_codes(request, user)
    try:
        operations.remove_factor(user=user, code=_code(form), by=user)
    except InvalidInput as error:
        return _refused(request, user, form, error, CodeForm(auto_id="renew_%s"), first=False)
    lockout.note_right_code(user)
    stay(request, user, passed=False)
    messages.warning(request, "Your second factor is removed: your password alone signs you in.")
    return redirect(PLACE)


def _holder(request: HttpRequest) -> User:
    """Return the person, who has a second factor; raise ``StaleState`` where it was removed meanwhile, or never was."""
    user = person_of(request)
    if not factors.has_factor(user):
        raise StaleState("You have no second factor.", "Set one up first.")
    return user


def _code(form: CodeForm) -> str:
    if not form.is_valid():
        raise InvalidInput("These fields cannot be used.")
    return str(form.cleaned_data["code"])


def _refused(
    request: HttpRequest, user: User, form: CodeForm, error: InvalidInput, other: CodeForm, *, first: bool
) -> HttpResponse:
    """Show the page again with what was refused; a code that was wrong is counted."""
    if form.is_valid():
        lockout.note_wrong_code(request, user)
        if getattr(request, "axes_locked_out", False):
            return locked_out(request)
    status = _say(form, error)
    return _page(request, user, *((form, other) if first else (other, form)), status=status)


def _page(request: HttpRequest, user: User, renewing: CodeForm, removing: CodeForm, status: int = 200) -> HttpResponse:
    context = {
        "renewing": renewing, "removing": removing, "codes_left": factors.codes_left(user),
        "kept": factors.kept_since(user), "asked": factors.is_asked(user),
    }  # fmt: skip
    return render(request, "people/second_factor.html", context, status=status)


def _codes(request: HttpRequest, codes: list[str], said: str) -> HttpResponse:
    pairs = [f"{code[:4]} {code[4:]}" for code in codes]
    return render(request, "people/recovery_codes.html", {"codes": pairs, "said": said})


def _say(form: forms.Form, error: InvalidInput) -> int:
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    return error.http_status


def _secret(request: HttpRequest, user: User) -> str:
    """Return the secret that this session is about to take, sealed as it will be kept; a reload shows the same one."""
    try:
        return sealing.unseal(request.session[SEALED], user.pk)
    except (KeyError, Unreadable):
        secret = factors.new_secret()
        request.session[SEALED] = sealing.seal(secret, user.pk)
        return secret


def spaced(secret: str) -> str:
    """Return the secret in groups of four, as people type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _alone(user: User) -> dict[str, Any]:
    """Leave the frame away where every other page leads back here."""
    return {"frame": None, "asked": True} if factors.must_set_up(user) else {}
