"""A worker as ``docs/Procfile`` starts it, which says when it is ready: ``python -m bench.peers.worker NAME``."""

import sys

from celery.signals import worker_ready

from bench.peers.steps import say_ready
from config.celery import app

if __name__ == "__main__":
    worker_ready.connect(say_ready)
    as_deployed = ["--pool", "threads", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--hostname", f"{sys.argv[1]}@bench", "--loglevel", "WARNING", *as_deployed])
