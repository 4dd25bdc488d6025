"""Sample values of knowledge and facts for ``/components/``. See ``samples``."""

from typing import Any, Final

from workspaces.console.knowledge_shapes import (
    CollectionPage,
    CollectionRow,
    DocumentPage,
    DocumentRow,
    FactPage,
    FactRow,
    Progress,
    SearchPage,
)
from workspaces.console.run_shapes import Pager
from workspaces.console.samples import BIDI, DIGEST, HERE, HOSTILE, HTML, ID, ago
from workspaces.console.shapes import Passage

LATE: Final = "The embedding endpoint answered 503. Check EMBEDDINGS_URL, EMBEDDINGS_MODEL and EMBEDDINGS_KEY."


def collection_rows() -> list[CollectionRow]:
    """Return three collections: a large one, one with troubles, one with a name that tries to break the page."""
    model = "wordllama-l2-256"
    return [
        CollectionRow(title="Policies", url=f"{HERE}collection/", model=model, documents=1204),
        CollectionRow(title="Price lists", url=f"{HERE}collection/", model=model, documents=12, queued=2, failed=1),
        CollectionRow(title=HTML, url=f"{HERE}collection/", model=model, documents=0),
    ]


def document_rows() -> list[DocumentRow]:
    """Return a document in each state, one archived, one hostile."""
    told: dict[str, Any] = {"url": f"{HERE}document/", "kind": "Markdown", "at": ago(days=3)}
    return [
        DocumentRow(title="Refunds", status="ready", trust="trusted", source="https://example.com/refunds", **told),
        DocumentRow(title="Prices", status="failed", trust="untrusted", explanation=LATE, **told),
        DocumentRow(title="Terms", status="queued", trust="untrusted", **told),
        DocumentRow(
            title="Old terms", status="ready", trust="trusted", holds="Archived: not found since 3 May", **told
        ),
        DocumentRow(title=BIDI, status="ready", trust="untrusted", source=HTML, **told),
    ]


def collection_page() -> CollectionPage:
    """Return a collection's page with everything on it."""
    return CollectionPage(
        row=collection_rows()[1], name="prices", at=ago(days=9), documents=document_rows(), search_url=HERE,
        progress=Progress(status="stopped", model="text-embedding-3-small", replaces="wordllama-l2-256", done=31_200,
                          total=100_000, at=ago(minutes=9), explanation=LATE),
        models=["text-embedding-3-small", "wordllama-l2-256"], reembed_url=HERE, cancel_url=HERE,
        upload_url=f"{HERE}document-new/", pager=Pager(shown=5, next_url=HERE),
    )  # fmt: skip


def passages(*, found: str = "") -> list[Passage]:
    """Return a passage of each hostile text."""
    return [
        Passage(
            document=f"Passage {number}" if not found else "Handbook", headings="Refunds › Monthly plans",
            place="characters 0 to 900", trust="untrusted", text=text, source=HTML if number == 2 else "",
            chunk=f"0199e6c2-8a55-7d7a-9b52-1b8a24c1f7{number:02}", digest=DIGEST, url=f"{HERE}document/", found=found,
        )
        for number, (_, text) in enumerate(HOSTILE[:6], 1)
    ]  # fmt: skip


def document_page() -> DocumentPage:
    """Return a document's page: poisoned passages, a refused date, every control."""
    shown = passages()
    return DocumentPage(
        row=document_rows()[3], collection="Policies", collection_url=f"{HERE}collection/", id=str(ID), digest=DIGEST,
        characters=48_211, passages=shown, cited=shown[1].chunk, valid_from="2026-02-01T09:00",
        valid_until="2026-01-01T09:00", refused="The document would end to hold before it begins. Choose a later end.",
        dates_url=HERE, archive_url=HERE, trust_url=HERE, index_url=HERE, forget_url=f"{HERE}document-forget/",
        pager=Pager(shown=6, total=61, next_url=HERE, before="Earlier", after="Later"),
    )  # fmt: skip


def search_page() -> SearchPage:
    """Return what a search found."""
    found = passages(found="first by words, third by meaning (similarity 0.71)")
    return SearchPage(where="Policies", url=HERE, query="refund of a monthly plan", asked=True, passages=found,
                      back_url=f"{HERE}knowledge/")  # fmt: skip


def fact_rows() -> list[FactRow]:
    """Return claims in every state, one hostile."""
    told: dict[str, Any] = {
        "url": f"{HERE}fact/",
        "subject": "customer C-1042",
        "agent": "sample-agent",
        "at": ago(days=2),
    }
    return [
        FactRow(key="language", value="German", status="valid", trust="untrusted", **told),
        FactRow(key="diet", value=f"{HTML} {BIDI}", status="closed", trust="untrusted", until=ago(hours=4), **told),
        FactRow(key="vip", value="true", status="ended", trust="trusted", until=ago(hours=1), **told),
    ]


def fact_page() -> FactPage:
    """Return one fact's page with its history."""
    return FactPage(
        row=fact_rows()[1], id=str(ID), source=f"step 3: {HTML}", recorded_at=ago(days=2), agent_url=f"{HERE}agent/",
        confidence="80 %", run_url=f"{HERE}run/", history=fact_rows(), correct_url=HERE,
        forget_url=f"{HERE}fact-forget/",
    )  # fmt: skip
