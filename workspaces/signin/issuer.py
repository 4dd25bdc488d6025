"""Single sign-on by OpenID Connect (Core 1.0), with the one issuer that the settings name.

The protocol is django-allauth's: discovery, the authorization code with PKCE, the state kept in the session. What is
stricter here: the token's signature is checked each time by the issuer's published keys, it must be meant for us and
carry the nonce that this session sent, what the issuer says elsewhere must be of the same subject, and every call goes
through the outbound guard. django-allauth never signs anybody in or up: that is `workspaces.operations.signing_on`.
"""

import secrets
import time
from typing import Any, Final, NoReturn

import jwt
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from requests import RequestException

from workspaces.operations.signing_on import Stated
from workspaces.signin.guarded import GuardedSession

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair only: a shared secret, or none at all, proves nothing about the issuer."""
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer")
CLOCKS_DIFFER: Final = 30
LONGEST_SUBJECT: Final = 191


def is_configured() -> bool:
    """Say whether an issuer is named; without one there is no button, and no page behind it."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


class Signed(Exception):
    """Carries what the issuer states out of django-allauth's flow, before that would sign anybody in."""

    def __init__(self, stated: Stated, onward: str) -> None:
        super().__init__("The issuer has answered.")
        self.stated, self.onward = stated, onward


class Failed(Exception):
    """The issuer cannot be reached, sends something else than it should, or somebody changed their mind."""

    def __init__(self, why: str, cause: Exception | None) -> None:
        super().__init__(why)
        self.why, self.cause = why, cause


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The issuer of the settings; nothing that a request says changes what it is asked for."""

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, **_: Any) -> Any:
        """Send the browser to the issuer, with a nonce that only this session knows."""
        nonce = secrets.token_urlsafe(32)
        return super().redirect(request, process, next_url, auth_params={"nonce": nonce}, nonce=nonce)

    def get_oauth2_adapter(self, request: HttpRequest) -> "Protocol":
        return Protocol(request, self.app.provider_id)

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        """Keep nothing of what the issuer says but the subject."""
        return {}


class Protocol(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """What is said to the issuer, and believed of it."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return the issuer's own description of itself, which must be by the name that we know it by."""
        if not hasattr(self, "_found"):
            with get_adapter().get_requests_session() as session:
                answer = session.get(self.get_provider().server_url)
            answer.raise_for_status()
            found = answer.json()
            if any(not isinstance(found.get(name), str) for name in ENDPOINTS):
                raise OAuth2Error("The issuer's description lacks an address.")
            if found["issuer"].rstrip("/") != settings.OIDC_ISSUER:
                raise OAuth2Error("The issuer calls itself something else.")
            self._found: dict[str, Any] = found
        return self._found

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("console:single-sign-on-back"))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **given: Any) -> NoReturn:
        """Raise :class:`Signed` with what the token and the issuer's user page state together."""
        signed = self._claims(given["response"].get("id_token"))
        told = self._fetch_user_info(token.token) if "userinfo_endpoint" in self.openid_config else {}
        if told and told.get("sub") != signed["sub"]:
            raise OAuth2Error("The issuer speaks of somebody else than the token.")
        raise Signed(_stated(signed, told), "")

    def _claims(self, token: Any) -> dict[str, Any]:
        """Return what the token says, once its signature, its audience, its time and its nonce are right."""
        if not isinstance(token, str):
            raise OAuth2Error("The issuer sent no token.")
        try:
            found: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=ALGORITHMS,
                audience=settings.OIDC_CLIENT_ID,
                issuer=self.openid_config["issuer"],
                leeway=CLOCKS_DIFFER,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise OAuth2Error(f"The token is not to be believed: {error}") from error
        if found.get("azp", settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID:
            raise OAuth2Error("The token was made for another application.")
        if not self.nonce or not secrets.compare_digest(str(found.get("nonce", "")).encode(), self.nonce.encode()):
            raise OAuth2Error("The token answers another sign-in.")
        if not 0 < len(found["sub"]) <= LONGEST_SUBJECT:
            raise OAuth2Error("The token names nobody.")
        return found

    def _key(self, token: str) -> jwt.PyJWK:
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
        answer.raise_for_status()
        named = jwt.get_unverified_header(token).get("kid")
        keys = [key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if named in {None, key.key_id}]
        if len(keys) != 1:
            raise OAuth2Error("The token is signed by no key that the issuer has published.")
        return keys[0]


class CallbackView(OAuth2CallbackView):  # type: ignore[misc]
    """django-allauth's way back from the issuer, up to the point where it would sign somebody in."""

    def _get_state(self, request: HttpRequest, provider: Provider) -> Any:
        state, answer = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        self.onward = (state or {}).get("next", "")
        return state, answer


class IssuerAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What ``SOCIALACCOUNT_ADAPTER`` names: the settings' one issuer, reached through the guard."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        return [_app()] if is_configured() else []

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        return Provider(request, app=self.get_app(request, provider))

    def get_requests_session(self) -> GuardedSession:
        given = context.request.__dict__
        return GuardedSession(given.setdefault("issuer_until", time.monotonic() + settings.OIDC_SECONDS))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> NoReturn:
        raise Failed(str(error or "unknown"), exception)


def send_away(request: HttpRequest, onward: str) -> Any:
    """Return the redirect to the issuer; raise :class:`Failed` where it cannot be reached or is not as it should be."""
    try:
        return _provider(request).redirect(request, "login", onward)
    except (OAuth2Error, RequestException) as error:
        raise Failed("unknown", error) from error


def come_back(request: HttpRequest) -> Signed:
    """Return what the issuer states of whoever came back from it; raise :class:`Failed` where it is not believed."""
    view = CallbackView()
    view.request, view.adapter = request, Protocol(request, settings.OIDC_ISSUER)
    try:
        view.dispatch(request)
    except Signed as signed:
        return Signed(signed.stated, view.onward)
    except (OAuth2Error, RequestException, ImmediateHttpResponse, KeyError, TypeError, ValueError) as error:
        raise Failed("unknown", error) from error
    raise Failed("unknown", None)


def _provider(request: HttpRequest) -> Provider:
    found: Provider = get_adapter(request).get_provider(request, settings.OIDC_ISSUER)
    return found


def _app() -> Any:
    return SocialApp(
        provider="openid_connect",
        provider_id=settings.OIDC_ISSUER[:200],
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
    )


def _stated(signed: dict[str, Any], told: dict[str, Any]) -> Stated:
    """Take the address, and whether it is verified, from the same place: the user page, else the token."""
    found = told if "email" in told else signed
    verified = found.get("email_verified") in (True, "true") and isinstance(found.get("email"), str)
    name = told.get("name") or signed.get("name")
    return Stated(
        issuer=settings.OIDC_ISSUER[:200],
        subject=signed["sub"],
        email=found["email"].strip().lower() if verified else "",
        name=name if isinstance(name, str) else "",
    )
