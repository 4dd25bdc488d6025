"""From "this is the right password" to a session: in between stands the second factor, for whoever has one.

Until the code is right nobody is signed in. The session holds who is about to be, for a few minutes, and the
fingerprint of their password: a change of it meanwhile begins everything anew.
"""

import time
from typing import Any, Final

from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from workspaces.models import User
from workspaces.signin import factors, lockout

PASSED: Final = "second_factor_at"
"""When this session last passed the second factor, in seconds since 1970."""
ABOUT: Final = "about_to_sign_in"
SECONDS: Final = 600
BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


def enter(request: HttpRequest, user: User, onward: str) -> str:
    """Sign ``user`` in and return ``onward``; whoever has a second factor is sent to the page that asks for it."""
    if not factors.has_factor(user):
        login(request, user, backend=BACKEND)
        return onward
    request.session.cycle_key()
    known = user.get_session_auth_hash()
    request.session[ABOUT] = {"user": str(user.pk), "known": known, "onward": onward, "at": time.time()}
    return reverse("console:sign-in-code")


def about_to_enter(request: HttpRequest) -> User | None:
    """Return who passed the first step in this session and is still in time; None where nobody did."""
    kept: dict[str, Any] = request.session.get(ABOUT) or {}
    if not kept or not 0 <= time.time() - kept["at"] < SECONDS:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_service=False).first()
    unchanged = user is not None and constant_time_compare(user.get_session_auth_hash(), kept["known"])
    return user if unchanged else None


def pass_factor(request: HttpRequest, user: User, code: str) -> tuple[str, str]:
    """Sign ``user`` in where ``code`` is right; return what kind it was and where they wanted to go.

    The kind is empty for a wrong one, which is counted. Raise ``TooManyTries`` where too many were wrong.
    """
    onward = str(request.session[ABOUT]["onward"])
    lockout.check_codes(request, user)
    kind = factors.spend(user, code)
    if not kind:
        lockout.note_wrong_code(request, user)
        return "", onward
    lockout.note_right_code(user)
    del request.session[ABOUT]
    login(request, user, backend=BACKEND)
    request.session[PASSED] = time.time()
    return kind, onward


def stay(request: HttpRequest, user: User, passed: bool) -> None:
    """Keep this one session after a change that ends the person's sessions; ``passed``: it knows the second factor."""
    update_session_auth_hash(request, user)
    if passed:
        request.session[PASSED] = time.time()
    else:
        request.session.pop(PASSED, None)
