"""The database and the broker when none are given: real PostgreSQL and Valkey from wheels, started beside the process.

``DATABASE_URL`` and ``REDIS_URL`` win where they are set. `config.services.running.services` is the one way in;
``python -m config.services`` is the same for a shell. The addresses in use stand in ``services.json`` of the folder,
so that a second process (``manage.py``, a shell) finds them.
"""
