"""How often a sign-in may be tried: a bucket for each name from one address, and one for the address."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bucle import errors

MOST_KEPT = 10_000
Key = tuple[str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many tries at once, then one more after each `every`."""

    burst: int
    every: timedelta


@dataclass(slots=True, kw_only=True)
class Attempts:
    """The tries of late, in memory: a restart forgets them, and each hash of a password is slow by itself.

    Kept as the instant at which a bucket is full again (the generic cell rate algorithm of ITU-T I.371).
    """

    of_a_name: Limit = field(default=Limit(burst=5, every=timedelta(seconds=30)))
    of_an_address: Limit = field(default=Limit(burst=60, every=timedelta(seconds=1)))
    _full_at: OrderedDict[Key, datetime] = field(default_factory=OrderedDict, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, name: str | None, address: str, now: datetime) -> None:
        """Count one try, of the address alone without a name; TooMany says when the next one is let through."""
        buckets: dict[Key, Limit] = {(None, address): self.of_an_address}
        if name is not None:
            buckets[name, address] = self.of_a_name
        with self._guard:
            wait_s = max(self._wait_s(key, limit, now) for key, limit in buckets.items())
            if wait_s > 0:
                raise errors.TooMany("sign_in.too_many", retry_after_s=int(wait_s) + 1)
            for key, limit in buckets.items():
                self._full_at[key] = max(self._full_at.get(key, now), now) + limit.every
                self._full_at.move_to_end(key)
            while len(self._full_at) > MOST_KEPT:
                self._full_at.popitem(last=False)

    def forgive(self, name: str, address: str) -> None:
        """Forget the tries of a name from an address: somebody signed in there."""
        with self._guard:
            self._full_at.pop((name, address), None)

    def _wait_s(self, key: Key, limit: Limit, now: datetime) -> float:
        full_at = self._full_at.get(key, now)
        return (full_at - now - limit.every * (limit.burst - 1)).total_seconds()
