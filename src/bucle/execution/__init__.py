"""Execution: the queue, the engine, the launchers, the environments; it knows nothing of models or endpoints."""
