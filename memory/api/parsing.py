"""A document sent as a form with a file: larger than a JSON body may be, and the same to whoever handles it."""

import base64
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser

from memory.reading.shapes import ENDINGS
from workspaces.errors import Malformed, TooLarge

HINT = "Send multipart/form-data with the document in the field file."


class UploadParser(MultiPartParser):
    """Reads ``multipart/form-data`` with the document in ``file``; its name says title and type where none is sent."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the fields as JSON would have them, the file in ``content``; raise ``TooLarge`` or ``Malformed``."""
        try:
            parsed: Any = super().parse(stream, media_type, parser_context)
        except RequestDataTooBig as error:
            raise TooLarge("The fields beside the file are too long.", "Shorten title and source.") from error
        except ParseError as error:
            raise Malformed(str(error.detail), HINT) from error
        try:
            return self._fields(parsed)
        finally:
            for file in parsed.files.values():
                file.close()

    def _fields(self, parsed: Any) -> dict[str, Any]:
        found: dict[str, Any] = {str(name): value for name, value in parsed.data.items()}
        file = parsed.files.get("file")
        if file is None or len(parsed.files) != 1:
            raise Malformed("Send one document, in the field named file.", HINT)
        if file.size > settings.KNOWLEDGE_UPLOAD_BYTES:
            raise TooLarge(f"A document has at most {settings.KNOWLEDGE_UPLOAD_BYTES:,} bytes.", "Split it.")
        name = PurePosixPath(str(file.name))
        found.setdefault("title", name.stem)
        found.setdefault("source", name.name)
        if kind := ENDINGS.get(name.suffix.lower()):
            found.setdefault("media_type", kind)
        found["content"] = base64.b64encode(file.read()).decode("ascii")
        return found
