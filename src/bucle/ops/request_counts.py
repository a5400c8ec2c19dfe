"""How many requests this server has answered, by method, route and status."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "unknown"
"""The route, and the method, of a request that no route answered: what strangers write is no label."""


@dataclass(slots=True)
class RequestCounts:
    """Counts, which begin at nothing with each start."""

    _counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, route: str, status: int) -> None:
        """Count an answer."""
        with self._lock:
            self._counts[method, route, status] += 1

    def read(self) -> Mapping[tuple[str, str, int], int]:
        """Return the counts until now."""
        with self._lock:
            return dict(self._counts)
