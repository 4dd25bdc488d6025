"""``manage.py index_vectors``: build the approximate indexes that are worth it, and drop those that no longer are."""

from typing import Any

from django.core.management.base import BaseCommand

from memory.vector_index import build_index, drop_index, existing_indexes, wanted_indexes


class Command(BaseCommand):
    help = "Builds an HNSW index for each embedding model with more than KNOWLEDGE_EXACT_PASSAGES vectors in force."

    def handle(self, *_: Any, **__: Any) -> None:
        wanted, there = wanted_indexes(), existing_indexes()
        for name, valid in there.items():
            if name not in wanted or not valid:
                drop_index(name)
                self.stdout.write(f"Dropped {name}.")
        for name, model in wanted.items():
            if not there.get(name):
                build_index(model)
                self.stdout.write(f"Built {name} for {model}.")
        self.stdout.write(f"{len(wanted)} models are searched by an index above the threshold.")
