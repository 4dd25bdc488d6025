"""Policies: what rules are, what they look at, and what a set of them says about one action.

Everything here is a pure function of its arguments, so that a verdict can be computed again from what was stored with
it (backtesting) and rules can be tried before they are activated. No models, no clock, no database.
"""
