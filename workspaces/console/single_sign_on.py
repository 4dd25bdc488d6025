"""Single sign-on: to the issuer that the settings name, and back. Without one these pages are not there.

The way there is a link and no form: browsers hold a form's redirects to ``form-action``, which leads to ourselves only.
It changes nothing but the session's own record of where it went.
"""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from workspaces.database import release_connection
from workspaces.errors import DomainError, Forbidden, NotFound, Unavailable
from workspaces.operations.signing_on import admit
from workspaces.signin import issuer
from workspaces.signin.entering import enter

log = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_safe
def leave(request: HttpRequest) -> HttpResponse:
    """Send the browser to the issuer."""
    _check()
    onward = request.GET.get("next", "/")
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    if request.user.is_authenticated:
        return redirect(onward if safe else "/")
    release_connection()
    try:
        answer: HttpResponse = issuer.send_away(request, onward if safe else "/")
    except issuer.Failed as error:
        raise _refusal(error) from error
    return answer


@login_not_required
@never_cache
@require_safe
def come_back(request: HttpRequest) -> HttpResponse:
    """Let whoever the issuer states in, if they belong here."""
    _check()
    release_connection()
    try:
        signed = issuer.come_back(request)
    except issuer.Failed as error:
        raise _refusal(error) from error
    return redirect(enter(request, admit(signed.stated), signed.onward or "/"))


def _check() -> None:
    if not issuer.is_configured():
        raise NotFound("There is no single sign-on here.", "Sign in with your password.")


def _refusal(error: Any) -> DomainError:
    log.warning("Single sign-on failed: %s %s", error.why, error.cause)
    name = settings.OIDC_NAME
    if error.why == "cancelled":
        return Forbidden(f"You did not sign on with {name}.", "Sign in again, or use your password.")
    if isinstance(error.cause, RequestException):
        return Unavailable(f"{name} does not answer as it should.", "Try again later, or use your password.")
    return Forbidden(f"What {name} answered could not be believed.", "Begin again from the sign-in page.")
