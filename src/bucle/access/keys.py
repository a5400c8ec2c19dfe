"""The key file of the platform (0600): the pepper of secrets and the key of page tokens; made once, never logged."""

import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Secret bytes of this installation; `repr` shows none of them."""

    pepper: bytes = field(repr=False)
    pages: bytes = field(repr=False)

    def hmac(self, secret: str) -> str:
        """Return HMAC-SHA-256 of a 256-bit random secret under the pepper; such a secret needs no slow hash."""
        return hmac.new(self.pepper, secret.encode(), sha256).hexdigest()


def read_or_make_keys(path: Path) -> Keys:
    """Return the keys kept at `path`; on the first run make them, 0600, in one rename."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        made = {"pepper": secrets.token_hex(32), "pages": secrets.token_hex(32)}
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(made, stream)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)  # first writer wins, where a rename would replace another's keys
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    kept = json.loads(path.read_bytes())
    return Keys(pepper=bytes.fromhex(kept["pepper"]), pages=bytes.fromhex(kept["pages"]))
