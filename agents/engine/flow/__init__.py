"""Carrying workflows out: one module for each kind of node, and what comes after a step."""
