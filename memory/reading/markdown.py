"""Markdown stays as it was written; only its headings are looked for, with CommonMark's block rules."""

from itertools import accumulate, pairwise

from markdown_it import MarkdownIt

from memory.reading.encodings import decode
from memory.reading.shapes import Heading, Limits, Reading, check_length, one_line


def read_markdown(data: bytes, limits: Limits) -> Reading:
    """Return the source with its headings of the outermost level; ``#`` in code is no heading."""
    text = check_length(decode(data), limits)
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    tokens = MarkdownIt("commonmark").disable("inline").parse(text)
    headings = []
    for token, words in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            first, after = token.map
            end = min(starts[after], len(text))
            headings.append(Heading(starts[first], end, int(token.tag[1:]), one_line(words.content)))
    return Reading(text, [heading for heading in headings if heading.title])
