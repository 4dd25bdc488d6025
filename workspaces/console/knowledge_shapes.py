"""What the templates of knowledge and of facts are given. See ``shapes`` for the manner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workspaces.console.run_shapes import Filter, Pager
from workspaces.console.shapes import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRow:
    """One collection in a list; ``queued`` and ``failed`` count its documents that are not found yet."""

    title: str
    url: str
    model: str
    documents: int
    queued: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """One document in a list; ``holds`` says when it is found, ``explanation`` why it is not."""

    title: str
    url: str
    status: str
    trust: str
    kind: str
    at: datetime
    holds: str = ""
    source: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A collection on its way to another embedding model: ``done`` of ``total`` passages, and why it stopped."""

    status: str
    model: str
    replaces: str
    done: int
    total: int
    at: datetime
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPage:
    """Everything on a collection's page. A control whose address is empty is not offered."""

    row: CollectionRow
    name: str
    at: datetime
    documents: Sequence[DocumentRow] = ()
    pager: Pager | None = None
    filters: Sequence[Filter] = ()
    clear_url: str = ""
    search_url: str = ""
    upload_url: str = ""
    progress: Progress | None = None
    models: Sequence[str] = ()
    reembed_url: str = ""
    cancel_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """What was looked for and where, and the passages found; ``message`` says why there could be none."""

    where: str
    url: str
    query: str = ""
    asked: bool = False
    passages: Sequence[Passage] = ()
    message: str = ""
    hint: str = ""
    back_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Everything on a document's page: its passages a page at a time; ``cited`` is the id of the one that led here.

    ``valid_from`` and ``valid_until`` are as the form's fields take them; ``lost`` says that the cited passage is gone.
    """

    row: DocumentRow
    collection: str
    collection_url: str
    id: str
    digest: str
    characters: int
    passages: Sequence[Passage] = ()
    pager: Pager | None = None
    cited: str = ""
    lost: bool = False
    valid_from: str = ""
    valid_until: str = ""
    refused: str = ""
    dates_url: str = ""
    archive_url: str = ""
    trust_url: str = ""
    index_url: str = ""
    forget_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """One claim of an agent about a subject."""

    key: str
    value: str
    url: str
    subject: str
    agent: str
    status: str
    trust: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactPage:
    """One fact with where it came from and every claim under its key, newest first."""

    row: FactRow
    id: str
    source: str
    recorded_at: datetime
    agent_url: str
    confidence: str = ""
    run_url: str = ""
    action_url: str = ""
    history: Sequence[FactRow] = ()
    pager: Pager | None = None
    correct_url: str = ""
    forget_url: str = ""
