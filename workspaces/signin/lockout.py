"""What slows guessing down: django-axes counts failures in the database and refuses, for a while, what follows them.

Passwords are counted by (e-mail, address): somebody far away cannot lock a person out, and nobody learns whether an
account exists, since unknown ones are counted alike. Codes of a second factor are counted by person, wherever they come
from: whoever guesses those knows the password already, and has only a million codes to try.
"""

import math
from typing import Any, Final

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from workspaces.errors import DomainError
from workspaces.models import User

FACTOR: Final = "second factor of "


class TooManyTries(DomainError):
    """Too many wrong passwords or codes came for one account."""

    code = "too_many_tries"
    http_status = 429


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the name under which a try is counted (``AXES_USERNAME_CALLABLE``); capitals make no other account."""
    found = (credentials or {}).get("username") or (credentials or {}).get("email") or ""
    return str(found or request.POST.get("username", "")).lower()[:255]


def parameters(request_or_attempt: Any, credentials: dict[str, Any] | None = None) -> list[Any]:
    """Return by what a try is counted (``AXES_LOCKOUT_PARAMETERS``)."""
    kept = isinstance(request_or_attempt, AccessAttempt)
    name = str(request_or_attempt.username or "") if kept else name_of(request_or_attempt, credentials)
    return ["username"] if name.startswith(FACTOR) else [["username", "ip_address"]]


def check_codes(request: HttpRequest, user: User) -> None:
    """Raise :class:`TooManyTries` where too many wrong codes came for ``user``."""
    if settings.AXES_ENABLED and not AxesProxyHandler.is_allowed(request, _credentials(user)):
        raise too_many()


def note_wrong_code(request: HttpRequest, user: User) -> None:
    """Count a wrong code; at the last one that is allowed the answer becomes the refusal."""
    user_login_failed.send(sender=__name__, credentials=_credentials(user), request=request)


def note_right_code(user: User) -> None:
    """Begin counting codes anew."""
    AxesProxyHandler.reset_attempts(username=_credentials(user)["username"])


def let_in_again(user: User) -> None:
    """Forget every failure that was counted against ``user``, from wherever it came."""
    for name in (user.email, _credentials(user)["username"]):
        AxesProxyHandler.reset_attempts(username=name)


def too_many() -> TooManyTries:
    """Return the refusal; it is the same for every account, whether there is one or not."""
    minutes = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    return TooManyTries(
        "There were too many wrong passwords or codes.",
        f"Wait {minutes} minutes, then try again. An owner of your workspace can let you in sooner.",
    )


def _credentials(user: User) -> dict[str, str]:
    return {"username": f"{FACTOR}{user.email}"[:255]}
