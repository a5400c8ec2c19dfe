"""Envelopes: a value sealed with AES-256-GCM under a key of its own, which is sealed under a key of the ring.

What an envelope is about goes into the seal as associated data: one that is put in another's place does not open.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bucle import errors
from bucle.spec.digest import canonical

KEY_BYTES = 32
NONCE_BYTES = 12
"""Random, one a seal: a key of the ring seals far fewer than the 2^32 values of NIST SP 800-38D, 8.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Keys that seal the keys of envelopes, by their ids: one seals, the others only open."""

    sealing: str
    keys: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A sealed value: which key of the ring opens its own key, that key, the value; the last two in base64."""

    key_id: str
    wrapped_key: str
    sealed: str


def ring_of(sealing: bytes, *opening: bytes) -> KeyRing:
    """Return the ring whose first key seals."""
    return KeyRing(sealing=id_of(sealing), keys={id_of(key): key for key in (sealing, *opening)})


def id_of(key: bytes) -> str:
    """Return the id of a random key, from which nothing of the key follows."""
    return sha256(b"bucle key of keys" + key).hexdigest()[:16]


def seal(ring: KeyRing, value: bytes, about: Mapping[str, str]) -> Envelope:
    """Seal a value about something, under a new key."""
    own = secrets.token_bytes(KEY_BYTES)
    return Envelope(key_id=ring.sealing, wrapped_key=_wrap(ring, own, about), sealed=_lock(own, value, about))


def unseal(ring: KeyRing, envelope: Envelope, about: Mapping[str, str]) -> bytes:
    """Return the value; PlatformFault when its key is not in the ring, or when it is not what was sealed."""
    return _unlock(_own_key(ring, envelope, about), envelope.sealed, about)


def wrap_again(ring: KeyRing, envelope: Envelope, about: Mapping[str, str]) -> Envelope:
    """Return the envelope with its key under the key that seals now; its value is not opened."""
    own = _own_key(ring, envelope, about)
    return Envelope(key_id=ring.sealing, wrapped_key=_wrap(ring, own, about), sealed=envelope.sealed)


def _own_key(ring: KeyRing, envelope: Envelope, about: Mapping[str, str]) -> bytes:
    key = ring.keys.get(envelope.key_id)
    if key is None:
        raise errors.PlatformFault("secret.key_unknown", key=envelope.key_id, **_named(about))
    return _unlock(key, envelope.wrapped_key, {**about, "key": envelope.key_id})


def _wrap(ring: KeyRing, own: bytes, about: Mapping[str, str]) -> str:
    return _lock(ring.keys[ring.sealing], own, {**about, "key": ring.sealing})


def _lock(key: bytes, value: bytes, about: Mapping[str, str]) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, value, canonical(dict(about)))).decode()


def _unlock(key: bytes, text: str, about: Mapping[str, str]) -> bytes:
    try:
        sealed = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], canonical(dict(about)))
    except (InvalidTag, ValueError) as fault:
        raise errors.PlatformFault("secret.damaged", **_named(about)) from fault


def _named(about: Mapping[str, str]) -> dict[str, str]:
    return {"name": about["name"], "stage": about["stage"]}
