"""Pages by cursor: new rows neither repeat nor hide a row on the next page."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination, _positive_int
from rest_framework.request import Request

from workspaces.errors import InvalidInput


class NewestFirst(CursorPagination):
    """Orders by the key, which is a UUIDv7: unique, and ordered by birth."""

    ordering = "-id"
    page_size = 50
    max_page_size = 100
    page_size_query_param = "limit"

    def decode_cursor(self, request: Request) -> Any:
        """Return the cursor; raise ``InvalidInput`` for one that we did not make."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None:
                self.check_position(str(cursor.position))
        except (NotFound, ValueError) as error:
            fields = {"cursor": ["This cursor was not made here."]}
            raise InvalidInput("This page cannot be found.", "Start from the first page.", fields) from error
        return cursor

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the cursor and the limit."""
        cursor = {"type": "string", "description": "From next or previous of another page."}
        limit = {"type": "integer", "minimum": 1, "default": self.page_size, "description": "At most 100 are sent."}
        return [
            {"name": name, "required": False, "in": "query", "schema": schema}
            for name, schema in (("cursor", cursor), ("limit", limit))
        ]

    def check_position(self, position: str) -> None:
        """Raise ``ValueError`` for what is no value of the ordering column."""
        UUID(position)

    def get_page_size(self, request: Request) -> int:
        """Return ``limit``, at most 100; raise ``InvalidInput`` for what is no number."""
        asked = request.query_params.get("limit", str(self.page_size))
        try:
            return _positive_int(asked, strict=True, cutoff=self.max_page_size)
        except ValueError as error:
            fields = {"limit": ["A whole number from 1 to 100."]}
            raise InvalidInput("This limit cannot be used.", "Ask for 1 to 100 rows.", fields) from error


class OldestFirst(NewestFirst):
    """The same, the other way round: for what is read from its beginning."""

    ordering = "id"


class ByPlace(NewestFirst):
    """Ledger events by their sequence, newest first."""

    ordering = "-sequence"

    def check_position(self, position: str) -> None:
        """Raise ``ValueError`` for what is no sequence."""
        int(position)


class ByRow(ByPlace):
    """Rows whose keys are numbers, newest first."""

    ordering = "-id"


class ByNumber(ByPlace):
    """Numbered rows, newest first."""

    ordering = "-number"
