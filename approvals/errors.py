"""What can go wrong when people decide, in sentences."""

from workspaces.errors import DomainError, Forbidden, StaleState


class MayNotDecide(Forbidden):
    """This person may read the request but not decide on it."""

    code = "may_not_decide"


class AlreadyDecided(StaleState):
    """Somebody else was first, or the request is over for another reason."""

    code = "already_decided"
    default_hint = "Nothing was changed by your answer."


class EvidenceChanged(StaleState):
    """What the person looked at is not what the request shows now."""

    code = "evidence_changed"
    default_hint = "Load the request again and decide on what it shows now."


class NoQueue(DomainError):
    """There is no review queue in which a request could wait."""

    code = "no_queue"
    http_status = 409
    default_hint = "An owner can set one up and make it the default."
