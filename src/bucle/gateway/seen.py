"""Request ids: which name a request goes by, the client's when it is well-formed and new within a day, else ours."""

import os
import re
from collections.abc import Callable

_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DAY_S = 24 * 3600
MOST_KEPT = 1 << 18


class Seen:
    """Client ids of the last day, in two generations: one that fills, and the one before it.

    Beyond 262,144 ids a day the older ones are forgotten early; a restart forgets all. The server, which keeps
    correlation ids for ever, counts what came twice all the same.
    """

    def __init__(self, clock: Callable[[], float], most: int = MOST_KEPT) -> None:
        self._clock = clock
        self._most = most
        self._turned_at = clock()
        self._new: set[str] = set()
        self._old: set[str] = set()

    def name(self, asked: str | None) -> str:
        """Return the id that a request goes by; a client's id is good once."""
        if asked is None or not _FORM.fullmatch(asked):
            return os.urandom(16).hex()
        self._turn()
        if asked in self._new or asked in self._old:
            return os.urandom(16).hex()
        self._new.add(asked)
        return asked

    def release(self, name: str) -> None:
        """Forget an id whose request reached no model: the client may send it again."""
        self._new.discard(name)
        self._old.discard(name)

    def _turn(self) -> None:
        if self._clock() - self._turned_at >= _DAY_S or len(self._new) >= self._most:
            self._old, self._new = self._new, set()
            self._turned_at = self._clock()
