"""Credentials as text: `<prefix>_<8-character id>_<43-character secret>_<crc>`; made, read, compared.

The prefix and the checksum let scanners of code and logs find one that leaked; the id is the key of its row, and
only an HMAC of the 256-bit secret is kept.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

from bucle.access.keys import Keys

Prefix = Literal["bcl", "bcs", "bci"]
"""An API token, a login session, an invitation."""
_SHAPE = re.compile(r"(bc[lsi])_([a-z2-7]{8})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """The parts of a credential; `repr` shows the id only."""

    prefix: Prefix
    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The credential as it is shown once and presented afterwards."""
        body = f"{self.prefix}_{self.id}_{self.secret}"
        return f"{body}_{crc32(body.encode()):08x}"


def make_credential(prefix: Prefix) -> Credential:
    """Return a new credential with a random id and secret."""
    random_id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    return Credential(prefix=prefix, id=random_id, secret=secrets.token_urlsafe(32))


def read_credential(prefix: Prefix, text: str) -> Credential | None:
    """Return the parts of `text`, or None where it is not a credential of this kind or was cut off or mistyped."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or shape[1] != prefix:
        return None
    found = Credential(prefix=prefix, id=shape[2], secret=shape[3])
    return found if hmac.compare_digest(found.text, text) else None


def is_of(keys: Keys, credential: Credential, kept_hmac: str | None) -> bool:
    """Say whether `kept_hmac` is that of the credential; where there is none, as slowly as where it differs."""
    expected = keys.hmac("") if kept_hmac is None else kept_hmac
    return hmac.compare_digest(expected, keys.hmac(credential.secret)) and kept_hmac is not None
