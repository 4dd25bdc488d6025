"""Reads one document in a process of its own: ``python -m memory.reading.apart MEDIA_TYPE LIMITS``, bytes on stdin.

A parser of other people's files may be led to loop or to swell. Here it has a bound of processor time and of memory, no
environment, and nobody else's requests to take down with it.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from memory.reading.shapes import HTML, MARKDOWN, PDF, PLAIN, Heading, Limits, Reading, Unreadable, check_length

ROOT = Path(__file__).resolve().parents[2]
OVERWHELMED = "Send a simpler version of it: plain text or Markdown, or smaller parts."


def read_apart(data: bytes, media_type: str, limits: Limits) -> Reading:
    """Return what another process reads from ``data``; raise :class:`Unreadable` where it refuses, fails or hangs."""
    told = json.dumps(asdict(limits))
    try:
        done = subprocess.run(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-P", "-m", "memory.reading.apart", media_type, told],
            input=data,
            capture_output=True,
            timeout=limits.seconds + 5,
            env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            cwd=ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"Reading the document took more than {limits.seconds} seconds.", OVERWHELMED) from error
    if done.returncode:
        raise Unreadable("Reading the document took too much time or memory.", OVERWHELMED)
    found = json.loads(done.stdout)
    if "refused" in found:
        raise Unreadable(*found["refused"])
    return Reading(found["text"], [Heading(*values) for values in found["headings"]])


def main(media_type: str, told: str) -> int:
    """Read stdin within the limits; write JSON to stdout."""
    limits = Limits(**json.loads(told))
    _bound(limits)
    try:
        reading = _read(sys.stdin.buffer.read(), media_type, limits)
        headings = [[one.start, one.end, one.level, one.title] for one in reading.headings]
        answer = {"text": reading.text, "headings": headings}
    except Unreadable as error:
        answer = {"refused": [error.message, error.hint]}
    except (MemoryError, RecursionError):
        answer = {"refused": ["The document is nested too deeply or too large to be read.", OVERWHELMED]}
    sys.stdout.write(json.dumps(answer))
    return 0


def _bound(limits: Limits) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # macOS does not know this bound of memory
        size = limits.megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _read(data: bytes, media_type: str, limits: Limits) -> Reading:
    if media_type == PDF:
        from memory.reading.pdf import read_pdf

        return read_pdf(data, limits)
    if media_type == HTML:
        from memory.reading.html import read_html

        return read_html(data, limits)
    if media_type == MARKDOWN:
        from memory.reading.markdown import read_markdown

        return read_markdown(data, limits)
    if media_type == PLAIN:
        from memory.reading.encodings import decode

        return Reading(check_length(decode(data), limits))
    raise Unreadable(f"Documents of the type {media_type} are not read here.", "Send text, Markdown, HTML or PDF.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
