"""The demo company: the outside systems it acts in, and what is in them at the start."""
