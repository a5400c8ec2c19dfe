"""Hints: a datagram that tells the server's engine to look at an attempt; its content is never trusted.

The socket has an abstract name (unix(7)), written `@name`: nothing of it is left behind when its server is killed.
"""

import secrets
import socket
from contextlib import suppress


def listen() -> socket.socket:
    """Return a socket for hints under a name of its own."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(_address_of(f"@bucle-{secrets.token_hex(16)}"))
    return listener


def name_of(listener: socket.socket) -> str:
    """Return the name by which a listener is sent hints."""
    address: bytes = listener.getsockname()
    return f"@{address.removeprefix(bytes(1)).decode()}"


def send(name: str, text: str = "") -> None:
    """Hint at an attempt, or just at a change; a lost hint costs a second, since the engine looks by itself too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.sendto(text.encode(), socket.MSG_DONTWAIT, _address_of(name))


def _address_of(name: str) -> bytes:
    return bytes(1) + name.removeprefix("@").encode()
