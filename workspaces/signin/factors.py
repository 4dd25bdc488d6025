"""Second factors: a code from an app (TOTP, RFC 6238), or one of the recovery codes.

The rows and the arithmetic are django-allauth's. What is ours: a code serves once, by the row and not by a cache that
may be emptied; and whoever has a factor is asked for it at every sign-in, so that their sessions have all passed it.
"""

from typing import Any
from uuid import UUID

import qrcode
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.db import models, transaction
from django.utils.safestring import SafeString
from qrcode.image.svg import SvgPathImage

from workspaces.models import Membership, User
from workspaces.signin.sealing import belonging_to, unseal

APP, CODES = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


def has_factor(user: User) -> bool:
    """Say whether ``user`` is asked for a second factor."""
    found: bool = Authenticator.objects.filter(user_id=user.pk, type=APP).exists()
    return found


def has_factor_of(reference: str) -> models.Exists:
    """Return the condition "has a second factor" on rows that name the person by ``reference``."""
    return models.Exists(Authenticator.objects.filter(user_id=models.OuterRef(reference), type=APP))


def must_set_up(user: User) -> bool:
    """Say whether a workspace of theirs asks for a second factor that ``user`` does not have; one statement."""
    asking = Membership.objects.filter(user_id=user.pk, workspace__second_factor_required=True)
    return not user.is_service and asking.exclude(has_factor_of("user_id")).exists()


def is_asked(user: User) -> bool:
    """Say whether a workspace of theirs asks for a second factor."""
    return Membership.objects.filter(user_id=user.pk, workspace__second_factor_required=True).exists()


def new_secret() -> str:
    """Return a new secret for an app, in base32."""
    secret: str = totp.generate_totp_secret()
    return secret


def drawn(user: User, secret: str) -> SafeString:
    """Return what an app reads to take the secret up, as an SVG to stand within a page: one path, and no text."""
    adapter: Any = get_adapter()
    image = qrcode.make(adapter.build_totp_url(user, secret), image_factory=SvgPathImage)
    svg = image.to_string().decode()
    return SafeString(svg[svg.index("<svg") :])


def counter_of(secret: str, code: str, after: int = 0) -> int:
    """Return the time step, later than ``after``, for which ``code`` is right; 0 for a wrong one."""
    for counter in totp.yield_hotp_counters_from_time():
        right = totp.format_hotp_value(totp.hotp_value(secret, counter))
        if counter > after and compare_user_code(actual=code, expected=right):
            return int(counter)
    return 0


def keep(user: User, secret: str, counter: int) -> list[str]:
    """Store a second factor whose first code was that of ``counter``; return the recovery codes, for this once."""
    with belonging_to(user.pk):
        made = totp.TOTP.activate(user, secret).instance
        made.data["counter"] = counter
        made.save(update_fields=["data"])
        Authenticator.objects.filter(user_id=user.pk, type=CODES).delete()
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def spend(user: User, code: str) -> str:
    """Use ``code`` up and return what kind it was; empty for one that is wrong, or was used before."""
    with transaction.atomic(), belonging_to(user.pk):
        rows = {row.type: row for row in Authenticator.objects.select_for_update().filter(user_id=user.pk)}
        if APP not in rows:
            return ""
        if _spend_app(rows[APP], user.pk, code):
            return str(APP)
        return str(CODES) if CODES in rows and RecoveryCodes(rows[CODES]).validate_code(code) else ""


def _spend_app(row: Authenticator, user_id: UUID, code: str) -> bool:
    counter = counter_of(unseal(row.data["secret"], user_id), code, after=row.data.get("counter", 0))
    if counter:
        row.data["counter"] = counter
        row.save(update_fields=["data"])
        row.record_usage()
    return bool(counter)


def kept_since(user: User) -> Authenticator:
    """Return the row of the second factor: when it was set up, and when its app was last used."""
    return Authenticator.objects.get(user_id=user.pk, type=APP)


def codes_left(user: User) -> int:
    """Return how many recovery codes were not used yet."""
    row = Authenticator.objects.filter(user_id=user.pk, type=CODES).first()
    if row is None:
        return 0
    with belonging_to(user.pk):
        return len(RecoveryCodes(row).get_unused_codes())


def renew_codes(user: User) -> list[str]:
    """Put new recovery codes in the place of the old ones, and return them for this once."""
    Authenticator.objects.filter(user_id=user.pk, type=CODES).delete()
    with belonging_to(user.pk):
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def forget(user: User) -> bool:
    """Delete the second factor with its recovery codes; say whether there was one."""
    deleted, _ = Authenticator.objects.filter(user_id=user.pk).delete()
    return bool(deleted)
