"""Workflows as data: their nodes, whether they can be run, and what their expressions mean. No engine in here."""
