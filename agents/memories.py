"""For whom a run works, as the memory floor asks it: implements ``memory.ports.RunSource``."""

from uuid import UUID

from agents.models import AgentVersionCollection, Run
from memory.ports import RunFacts


class Runs:
    """Reads it from rows."""

    def for_run(self, run_id: UUID) -> RunFacts:
        """Return the run's starter, its version's collections and its subject."""
        run = Run.objects.select_related("started_by", "session").filter(pk=run_id).first()
        if run is None:
            raise LookupError("The run of this action is not known.")
        named = AgentVersionCollection.objects.filter(version_id=run.version_id)
        session = run.session
        return RunFacts(
            starter=run.started_by,
            collections=list(named.values_list("collection_id", flat=True)),
            subject_kind=session.subject_kind if session else "",
            subject_ref=session.subject_ref if session else "",
        )
