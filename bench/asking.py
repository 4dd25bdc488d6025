"""How long an address takes somebody, and by how many statements: in process, without a network."""

import time
from typing import Any

from django.db import connection
from django.test import Client


def asked(client: Client, address: str, times: int) -> tuple[list[float], list[int]]:
    """Ask for ``address`` so many times; return the milliseconds and the statements of each, the first one cold."""
    took: list[float] = []
    statements: list[int] = []

    def count(execute: Any, *arguments: Any) -> Any:
        statements[-1] += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        for _ in range(times):
            statements.append(0)
            began = time.perf_counter()
            status = client.get(address).status_code
            took.append((time.perf_counter() - began) * 1000)
            if status != 200:
                raise SystemExit(f"bench: {address} answered {status}.")
    return took, statements
