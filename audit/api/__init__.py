"""The API of the ledger."""
