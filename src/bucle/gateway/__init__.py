"""The data plane: HTTP in front, frames to the scoring workers behind; no database, no user code."""
