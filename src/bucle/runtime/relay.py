"""Relays: what user code calls in a network of its own reaches the same port of this host, and no other.

The listeners were made within that network and handed out; a socket belongs to the network it was made in.
"""

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress

_CHUNK = 1 << 16


def start(listeners: Iterable[socket.socket]) -> None:
    """Relay every connection to these listeners, in threads that end with this process."""
    for listener in listeners:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()


def _serve(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection((host, port))
        except OSError:  # nobody listens: so user code is told
            near.close()
            continue
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until the source has said all, then say so to the target."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
