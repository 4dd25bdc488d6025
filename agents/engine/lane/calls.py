"""One message calls a worker to the lane, whatever the number of runs: a note at the broker says that one is under way.

The note says nothing that matters: lost, it costs a message more; left behind by a message that was lost, it ends by
itself, and the sweep calls again.
"""

from functools import lru_cache
from typing import Final

import redis
from django.conf import settings

NOTE: Final = "countersign:lane:called"
SECONDS: Final = 2


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


def is_first() -> bool:
    """Note that a worker is called, and say whether none was called before that has not come yet."""
    return bool(_client().set(NOTE, 1, nx=True, ex=SECONDS))


def heed() -> None:
    """Note that a worker has come: from now on another one may be called."""
    try:
        _client().delete(NOTE)
    except redis.RedisError:
        return
