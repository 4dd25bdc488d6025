"""What the ledger refuses, each with a sentence that says what to do."""


class LedgerError(Exception):
    """The ledger cannot do what was asked."""


class UnusableEvent(LedgerError, ValueError):
    """An event's actor, verb, subject or body has no form that could be verified later."""


class EpochNeeded(LedgerError):
    """The database was restored into another cluster: its transaction ids start again."""


class SigningKeyMissing(LedgerError):
    """There is no key to sign seals with, or it is not an Ed25519 seed."""
