"""How events travel to webhooks: written down from the ledger, claimed, signed and sent, and what came of it."""
