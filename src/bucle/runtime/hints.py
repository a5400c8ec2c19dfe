"""Hints: a datagram that tells the server's engine to look at an attempt; its content is never trusted.

The socket has an abstract name (unix(7)), written `@name`: nothing of it is left behind when its server is killed.
"""

import secrets
import socket
from contextlib import suppress


def listen() -> tuple[socket.socket, str]:
    """Return a socket for hints under a name of its own, and that name."""
    name = f"@bucle-{secrets.token_hex(16)}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(_bytes_of(name))
    return listener, name


def send(name: str, text: str = "") -> None:
    """Hint at an attempt, or just at a change; a lost hint costs a second, since the engine looks by itself too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.sendto(text.encode(), socket.MSG_DONTWAIT, _bytes_of(name))


def _bytes_of(name: str) -> bytes:
    return b"\0" + name.removeprefix("@").encode()
