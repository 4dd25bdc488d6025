"""Everything that changes people, teams, keys and pauses: one module a noun, each change with its ledger event."""
