"""Counts of each deployment: answers by status, requests in flight, and a histogram of latency of fixed size."""

import math
from collections import Counter
from typing import Any

FIRST_US = 50
GROWTH = 2**0.25
BUCKETS = 84
"""Four buckets an octave, from 50 µs to 100 s: a quantile is right within 19 %."""
_LOG_GROWTH = math.log(GROWTH)


class Histogram:
    """How many durations fell into each bucket; bucket `i` ends at 50 µs · 2^(i/4), the last one is open."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS

    def add(self, duration_us: int) -> None:
        """Count one duration, in microseconds."""
        place = 0 if duration_us <= FIRST_US else math.ceil(math.log(duration_us / FIRST_US) / _LOG_GROWTH)
        self.counts[min(place, BUCKETS - 1)] += 1


def quantile(counts: list[int], share: float) -> float | None:
    """Return the upper end in microseconds of the bucket that holds the quantile; None when nothing was counted."""
    total = sum(counts)
    seen = 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= share * total:
            return FIRST_US * GROWTH**place
    return None


class Counts:
    """One deployment's counts since the gateway began."""

    __slots__ = ("gone", "in_flight", "latency", "shed", "statuses", "took")

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.latency = Histogram()
        self.took = Histogram()
        self.in_flight = 0
        self.shed = 0
        self.gone = 0

    def document(self) -> dict[str, Any]:
        """Return the counts as the server reads them; times in microseconds, counted up, never reset."""
        named = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        return {
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "in_flight": self.in_flight,
            "shed": self.shed,
            "gone": self.gone,
            "latency": {name: quantile(self.latency.counts, share) for name, share in named.items()},
            "latency_counts": self.latency.counts,
            "took_counts": self.took.counts,
        }
