"""The session a person keeps for a server: one file (0600) a server in his own folder, never in the state folder."""

import hashlib
import os
import secrets
from pathlib import Path

from bucle import config


def keep_session(server: str, text: str) -> None:
    """Keep the session of `server` (its address, or the state folder it runs on) in the place of an earlier one."""
    path = _path_of(server)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text + "\n")
    temporary.replace(path)


def kept_session(server: str) -> str | None:
    """Return the session kept for `server`, or None; a file that others can read is not used."""
    return read_private(_path_of(server))


def forget_session(server: str) -> None:
    """Forget the session of `server`."""
    _path_of(server).unlink(missing_ok=True)


def read_private(path: Path) -> str | None:
    """Return the text of a file that only its owner can read, or None."""
    try:
        if config.open_to_others(path):
            return None
        return path.read_text().strip() or None
    except OSError:
        return None


def _path_of(server: str) -> Path:
    name = hashlib.sha256(server.rstrip("/").encode()).hexdigest()[:32]
    return config.user_folder() / "sessions" / name
