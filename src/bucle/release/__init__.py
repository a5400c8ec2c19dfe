"""Release: manifests, promotions, gate reports, approvals, rollout state, the ledger; it starts no process."""
