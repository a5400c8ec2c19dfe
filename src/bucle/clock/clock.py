"""One thread that turns: gateway and keeper are kept up, and every begun thing is asked to advance from the records."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bucle import errors
from bucle.ops import audit, deployment, monitor, packaging, retention, retraining, rollout, schedule
from bucle.ops.world import World
from bucle.serving.processes import DataPlane

LOG = logging.getLogger("bucle.clock")
TICK_S = 0.2
KEEP_UP_S = 1.0
HEADS_S = 600.0
"""How often the signed heads of the event chains are written: what is cut off a chain later is younger than that."""
RETAIN_S = 3600.0
ADVANCES: Sequence[Callable[[World], None]] = (
    packaging.advance,
    rollout.advance,
    deployment.advance,
    monitor.advance,
    retraining.advance,
    schedule.advance,
)
"""The verbs that a tick calls; each looks in the records for what it has begun, so that a restart loses nothing."""


@dataclass(slots=True)
class Clock:
    """Ticks until it is stopped."""

    world: World
    plane: DataPlane
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Tick; a fault of one verb is logged and keeps none of the others from its turn."""
        self._guarded("data plane", self._begin)
        self._guarded("audit heads", partial(audit.keep_heads, self.world))
        self._guarded("retention", partial(retention.apply, self.world))
        kept_at = told_at = retained_at = time.monotonic()
        while not self._stop.wait(TICK_S):
            if time.monotonic() - kept_at >= KEEP_UP_S:
                self._guarded("data plane", self.plane.ensure)
                self._guarded("routing table", self.world.routes.catch_up)
                kept_at = time.monotonic()
            if time.monotonic() - told_at >= HEADS_S:
                self._guarded("audit heads", partial(audit.keep_heads, self.world))
                told_at = time.monotonic()
            if time.monotonic() - retained_at >= RETAIN_S:
                self._guarded("retention", partial(retention.apply, self.world))
                retained_at = time.monotonic()
            for advance in ADVANCES:
                self._guarded(advance.__module__, partial(advance, self.world))
        self._guarded("audit heads", partial(audit.keep_heads, self.world))

    def stop(self) -> None:
        """End after this tick."""
        self._stop.set()

    def _begin(self) -> None:
        self.world.routes.publish()
        self.plane.ensure()

    def _guarded(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except errors.Unavailable as fault:  # told at each tick, until the database is back
            LOG.warning("%s: %s", what, fault)
            self._stop.wait(KEEP_UP_S)
        except Exception:  # the outer door of the loop
            LOG.exception("%s failed", what)
