"""A worker as ``docs/Procfile`` starts it, which says when it is ready: ``python -m bench.peers.worker NAME``."""

import sys
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutdown

from bench.peers.counting import count_statements, tell
from bench.peers.steps import say_ready
from config.celery import app


def learn_of_lines(**_: Any) -> None:
    """Register the kind of connection that the workloads' effects go through, once Django is set up."""
    import bench.peers.lines  # noqa: F401


if __name__ == "__main__":
    count_statements()
    worker_init.connect(learn_of_lines)
    worker_shutdown.connect(tell)
    worker_ready.connect(say_ready)
    as_deployed = ["--pool", "threads", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--hostname", f"{sys.argv[1]}@bench", "--loglevel", "WARNING", *as_deployed])
