"""What changed between two images of an outside system, as the pages of runs and rollbacks show it."""

from typing import Any

from approvals.amounts import in_words
from workspaces.console import differences
from workspaces.console.differences import FieldDiff


def changed_fields(before: Any, after: Any) -> list[FieldDiff]:
    """Return the fields that differ; amounts in words, as whoever decided saw them."""
    return [field for field in differences.fields(in_words(before), in_words(after)) if field.kind != "same"]
