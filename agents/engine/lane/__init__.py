"""The fast lane: runs whose next step only computes are carried on many at once, each round of them in one commit.

A ``code`` or ``branch`` node touches nothing outside, so that a step of it costs little more than its rows. What a
round writes is what the engine writes elsewhere for one step: the outcome under its fencing attempt, the event in the
ledger, the run's counters, and the next step already claimed. Whatever does not belong here (a limit is reached, a
pause, people are to be asked, a thread joins) is left to the engine, with the rows as it expects them.
"""
