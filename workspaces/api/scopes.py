"""What an API key may be used for: each operation of the API belongs to exactly one scope.

A GET needs ``read``; anything else needs the ``scope`` that its view names. Sessions of people have no scopes.
"""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from workspaces.errors import MissingScope
from workspaces.models import ApiKey, KeyScope


def scope_of(view: Any, method: str) -> KeyScope | None:
    """Return the scope of one method of a view (or of its class); None for what no key opens."""
    if method.upper() in SAFE_METHODS:
        return KeyScope.READ
    scope: KeyScope | None = getattr(view, "scope", None)
    return scope


class WithinScopes(BasePermission):
    """Lets a key do only what it was made for, before anything is looked up."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return true; raise ``MissingScope`` where the key lacks the operation's scope."""
        key, method = request.auth, str(request.method)
        if not isinstance(key, ApiKey) or not hasattr(view, method.lower()):
            return True
        scope = scope_of(view, method)
        if scope is None:
            raise MissingScope("No API key is let in here.", "Sign in and do it as a person.")
        if scope not in key.scopes:
            raise MissingScope(
                f"This API key lacks the scope {scope}: {scope.label[0].lower()}{scope.label[1:]}.",
                "Send a key that has it; an owner of the workspace can make one.",
            )
        return True
