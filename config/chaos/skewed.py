"""A Celery worker whose clock is wrong: ``python -m config.chaos.skewed SECONDS worker ...``.

The application has no setting for that, and needs none: who owns what, and until when, is judged by the database's
clock. Only this process sees another time, as one with a broken NTP would.
"""

import sys
from datetime import UTC, datetime, timedelta


def main() -> None:
    """Run Celery's command line some seconds from now."""
    import time_machine
    from celery.__main__ import main as celery

    seconds, *arguments = sys.argv[1:]
    sys.argv = ["celery", *arguments]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)), tick=True):
        celery()


if __name__ == "__main__":
    main()
