"""``manage.py chaos``: real processes, killed, frozen and emptied at random, against a log of effects that none kills.

A database, a broker, workers and schedulers of its own, in a folder of its own, are treated badly while tickets come
in and people answer; then all is left in peace, and the books are compared: what the outside systems wrote down, what
the rows say, and what the ledger says. Nothing of the application imports this. ``docs/chaos.md`` tells how to read it.
"""
