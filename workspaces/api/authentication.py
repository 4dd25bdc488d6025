"""Who calls the API: a service account by its key, or a person by their session, then with the CSRF token."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from workspaces.api.problem import REALM
from workspaces.api.scopes import scope_of
from workspaces.models import ApiKey, KeyScope, User
from workspaces.operations import keys

KEYS = "A service account's key, cs_…. Each operation names the one scope that the key needs:\n\n" + "\n".join(
    f"- `{scope}`: {scope.label}" for scope in KeyScope
)


class KeyAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer cs_…``; ``request.auth`` becomes the key, which names the workspace."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the account and the key, None where no key was sent; raise ``InvalidKey`` for one that is no good."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise exceptions.AuthenticationFailed("Keys are sent as Authorization: Bearer.")
        key = keys.authenticate(text.strip())
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return REALM


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes API keys to clients."""

    target_class = "workspaces.api.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme: a bearer token."""
        return {"type": "http", "scheme": "bearer", "description": KEYS}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """Return the one scope that a key needs for the operation."""
        scope = scope_of(auto_schema.view, auto_schema.method)
        return {self.name: [str(scope)] if scope else []}
