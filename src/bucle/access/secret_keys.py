"""The keys that secrets are sealed under: from a file of the state folder (0600), or from the environment."""

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bucle import errors
from bucle.access.sealing import KEY_BYTES, KeyRing, id_of, ring_of
from bucle.config import open_to_others
from bucle.store.objects import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeys:
    """Where the keys are kept. `given` comes from the environment: the key that seals, then one that only opens."""

    file: Path
    given: tuple[str, ...] = field(default=(), repr=False)

    def ring(self) -> KeyRing:
        """Return the keys.

        PlatformFault when there are none, when others can read the file, or when what is there is no key.
        """
        if self.given:
            return ring_of(*(_of_text(text) for text in self.given))
        return ring_of(*self._kept())

    def first_ring(self) -> KeyRing:
        """Return the keys for the first secret of all: made now where they are to be kept in the file."""
        if not self.given and not self.file.exists():
            self._keep([secrets.token_bytes(KEY_BYTES)])
        return self.ring()

    def begin_rotation(self) -> KeyRing:
        """Return the ring with a new key that seals; with the one of a rotation that was cut off, if there is one.

        With keys from the environment the person has begun it: the new key is the first of them.
        """
        ring = self.ring()
        if not self.given and len(ring.keys) == 1:
            self._keep([secrets.token_bytes(KEY_BYTES), *ring.keys.values()])
            return self.ring()
        return ring

    def end_rotation(self) -> None:
        """Forget the keys that nothing is sealed under any more."""
        if not self.given:
            ring = self.ring()
            self._keep([ring.keys[ring.sealing]])

    def _keep(self, keys: list[bytes]) -> None:
        """Write the file, whole and readable by its owner only."""
        document = {"keys": [{"id": id_of(key), "key": base64.b64encode(key).decode()} for key in keys]}
        write_file(self.file, json.dumps(document, indent=1).encode())

    def _kept(self) -> list[bytes]:
        try:
            descriptor = os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as missing:
            raise errors.PlatformFault("secret.key_missing", file=self.file) from missing
        with os.fdopen(descriptor, "rb") as stream:
            if open_to_others(descriptor):
                raise errors.PlatformFault("secret.key_open", file=self.file)
            content = stream.read()
        try:
            return [_of_length(base64.b64decode(row["key"], validate=True)) for row in json.loads(content)["keys"]]
        except (ValueError, KeyError, TypeError) as fault:
            raise errors.PlatformFault("secret.key_unreadable", where=self.file) from fault


def _of_text(text: str) -> bytes:
    try:
        return _of_length(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError) as fault:
        raise errors.PlatformFault("secret.key_unreadable", where="BUCLE_SECRETS_KEY") from fault


def _of_length(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(len(key))
    return key
