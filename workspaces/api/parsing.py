"""What the API reads: one strict JSON object of bounded size, kept exactly as it was sent or refused."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from workspaces.canonical import loads
from workspaces.errors import TooLarge

MAX_BODY_BYTES = 2 * 1024 * 1024
JSON_NAMES = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


class StrictJSONParser(BaseParser):
    """Refuses, with a sentence, what two readers could read differently: NaN, double keys, NUL, half characters."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the object; raise ``TooLarge`` or ``ParseError``."""
        raw: bytes = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge("More than 2 MB was sent.", "Send less; a ticket holds up to 100 kB of text.")
        try:
            text = raw.decode("utf-8")
            value = loads(text)
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ParseError(f"The body is not a JSON object, but {JSON_NAMES[type(value)]}.")
        if value != json.loads(text):
            raise ParseError(
                "The body holds what cannot be stored as it is: the character NUL, half of a surrogate pair, "
                "or a number beyond 2^53. Remove it, or send the number as text."
            )
        return value
