"""The clock: a door like the others; each tick calls verbs of `ops` that bring begun work to its next step."""

from bucle.clock.clock import Clock

__all__ = ["Clock"]
