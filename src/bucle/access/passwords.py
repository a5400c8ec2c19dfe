"""Passwords of local users: hashed with scrypt (RFC 7914), compared in constant time, never more than two at once."""

import base64
import hashlib
import hmac
import os
import threading
import unicodedata
from dataclasses import dataclass, field

from bucle import errors

SHORTEST = 12
LONGEST = 1024
BLOCK = 8
SALT_BYTES = 16
HASH_BYTES = 32


def _two_at_once() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """How passwords are hashed: `cost` is scrypt's N; one hash takes 1024 bytes times N of memory (128 MiB).

    That memory is why only two are reckoned at a time, whatever the number of people at the door.
    """

    cost: int = 1 << 17
    turns: threading.BoundedSemaphore = field(default_factory=_two_at_once, repr=False)

    def hash(self, password: str) -> str:
        """Return what is kept of a password: `scrypt$N$salt$hash`; BadRequest for one too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise errors.BadRequest("sign_in.password_length", shortest=SHORTEST, longest=LONGEST)
        salt = os.urandom(SALT_BYTES)
        return "$".join(("scrypt", str(self.cost), _text(salt), _text(self._scrypt(password, salt, self.cost))))

    def matches(self, password: str, kept: str | None) -> bool:
        """Say whether `kept` is that of the password; where nothing is kept, as slowly as where it differs."""
        if kept is None:
            self._scrypt(password, bytes(SALT_BYTES), self.cost)
            return False
        _, cost, salt, expected = kept.split("$")
        found = self._scrypt(password, base64.b64decode(salt), int(cost))
        return hmac.compare_digest(found, base64.b64decode(expected))

    def _scrypt(self, password: str, salt: bytes, cost: int) -> bytes:
        spelt = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
        with self.turns:
            return hashlib.scrypt(
                spelt, salt=salt, n=cost, r=BLOCK, p=1, maxmem=2 * 128 * BLOCK * cost, dklen=HASH_BYTES
            )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
