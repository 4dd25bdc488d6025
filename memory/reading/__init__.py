"""From a document's bytes to its text and headings. Nothing here knows Django, the database or any tool.

What needs a parser is read by a process of its own (:mod:`memory.reading.apart`), which is stopped when it takes too
long or too much memory, and which has no secrets to lose.
"""
