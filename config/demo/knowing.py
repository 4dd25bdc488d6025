"""What the desk knows and remembers: a handbook that people vouch for, and the tools that search it and hold facts."""

from typing import Final

from config.demo.joining import ensure_connection
from memory.connectors.knowledge import KIND as KNOWLEDGE
from memory.connectors.knowledge import Search
from memory.models import Collection, Trust
from memory.operations import add_document, create_collection, index_document, prepare_document
from memory.operations.facts import OPERATION as REMEMBER
from memory.operations.knowledge import trust_document
from memory.states import DocumentStatus
from tools.models import Tool
from tools.operations import save_tool
from workspaces.actors import Actor
from workspaces.models import Workspace

HANDBOOK: Final = "handbook"
TITLE: Final = "Handbook"
MARKDOWN: Final = "text/markdown"


def set_up_memory(workspace: Workspace, by: Actor) -> Tool:
    """Make the tool by which the agent proposes what to remember of a customer."""
    connection = ensure_connection(workspace=workspace, name="memory", kind="memory", config={}, secret={}, by=by)
    return save_tool(
        workspace=workspace,
        name=REMEMBER,
        title="Remember",
        description="Remember something lasting of the customer whom the run is about, such as a preferred language.",
        connection=connection,
        operation_name=REMEMBER,
        options={},
        by=by,
    )


def set_up_handbook(workspace: Workspace, content: bytes, by: Actor) -> tuple[Collection, Tool]:
    """Make the collection with the handbook in it, indexed and vouched for, and the tool that searches it."""
    collection = Collection.objects.filter(workspace=workspace, name=HANDBOOK).first()
    if collection is None:
        collection = create_collection(workspace=workspace, name=HANDBOOK, title=TITLE, by=by)
    _ensure_document(collection, content, by)
    connection = ensure_connection(workspace=workspace, name="knowledge", kind=KNOWLEDGE, config={}, secret={}, by=by)
    tool = save_tool(
        workspace=workspace,
        name=Search.name,
        title="Search the handbook",
        description="Find the passages of the handbook that answer a question.",
        connection=connection,
        operation_name=Search.name,
        options={"limit": 5},
        by=by,
    )
    return collection, tool


def _ensure_document(collection: Collection, content: bytes, by: Actor) -> None:
    """Take the handbook in where the collection has no document, and go on where that was broken off."""
    document = collection.documents.order_by("created_at", "id").first()
    if document is None:
        prepared = prepare_document(content=content, media_type=MARKDOWN)
        document = add_document(collection=collection, prepared=prepared, title=TITLE, by=by)
        trust_document(document=document, trust=Trust.TRUSTED, by=by)
    if document.status != DocumentStatus.READY:
        index_document(document=document, by=by)
