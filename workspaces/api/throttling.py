"""How often one caller may ask. The counters are a courtesy, no truth: while they cannot be reached, all may ask."""

from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView


class CallerThrottle(SimpleRateThrottle):
    """Counts by account; callers without one are turned away before they are counted."""

    scope = "caller"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """Return where this caller is counted."""
        return f"throttle:{request.user.pk}" if request.user and request.user.is_authenticated else None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Say whether the caller may ask now."""
        try:
            return bool(super().allow_request(request, view))
        except RedisError:
            return True
