"""Access: who is calling (principals, tokens, sessions) and the snapshot of who may do what."""
