"""Links: one connection to one scoring worker, with many requests in flight, each known by its number."""

import asyncio
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, cast

from bucle.runtime import frame
from bucle.runtime.frame import Decoder, Frame, FrameError

LARGEST_ANSWER = 256 << 20
HUNG_AFTER_S = 2.0


class Link(asyncio.Protocol):
    """One connection. `answered` gets the response frame, or None when the worker has gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._decoder = Decoder(LARGEST_ANSWER)
        self._waiting: dict[int, Callable[[Frame | None], None]] = {}
        self._last = 0
        self._out: list[bytes] = []
        self._pinged_at: float | None = None
        self.hello: dict[str, Any] | None = None
        self.leaving = False

    @property
    def usable(self) -> bool:
        """Whether it has greeted, is not hung and may get new requests."""
        return self._transport is not None and self.hello is not None and not self.leaving and not self.hung

    def serves(self, model: str) -> bool:
        """Return whether its worker has verified and loaded the model of this digest."""
        return self.hello is not None and self.hello["model"] == model

    @property
    def hung(self) -> bool:
        """Whether a ping has gone unanswered for two seconds; it is used again once it answers."""
        return self._pinged_at is not None and self._loop.time() - self._pinged_at > HUNG_AFTER_S

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._transport is None

    @property
    def in_flight(self) -> int:
        """How many requests wait for it."""
        return len(self._waiting)

    def send(self, body: bytes, request_id: str, left_ms: int, answered: Callable[[Frame | None], None]) -> int:
        """Send a request; return its number on this link."""
        self._last = number = (self._last + 1) % frame.WRAP
        self._waiting[number] = answered
        request = Frame(
            request_id=number,
            kind=frame.REQUEST,
            protocol=frame.SCORE,
            aux=left_ms,
            meta={"request": request_id},
            body=body,
        )
        self._write(frame.encode(request))
        return number

    def cancel(self, number: int) -> None:
        """Give a request up: its answer is not waited for."""
        if self._waiting.pop(number, None) is not None:
            self._write(frame.encode(Frame(request_id=number, kind=frame.CANCEL)))

    def ping(self) -> None:
        """Ask whether it lives, unless a question is open."""
        if self._pinged_at is None and self._transport is not None:
            self._pinged_at = self._loop.time()
            self._write(frame.encode(Frame(request_id=0, kind=frame.PING)))

    def leave(self) -> None:
        """Take no more requests, and hang up when the last is answered."""
        self.leaving = True
        self._leave_if_done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Tell everybody who waits that there will be no answer."""
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered(None)

    def data_received(self, data: bytes) -> None:
        """Hand out the answers of one read."""
        try:
            for found in self._decoder.feed(data):
                self._take(found)
        except FrameError as fault:
            sys.stderr.write(f"a worker spoke another frame: {fault}\n")
            self._abort()

    def _take(self, found: Frame) -> None:
        if found.kind == frame.RESPONSE:
            answered = self._waiting.pop(found.request_id, None)
            if answered is not None:
                answered(found)
                self._leave_if_done()
        elif found.kind == frame.PONG:
            self._pinged_at = None
        elif found.kind == frame.HELLO:
            self._greet(found)

    def _greet(self, found: Frame) -> None:
        try:
            hello = json.loads(found.body)
            if hello["version"] != frame.VERSION or not isinstance(hello["model"], str):
                raise FrameError(f"version {hello['version']}")
        except (ValueError, KeyError, TypeError) as fault:
            raise FrameError("the greeting cannot be read") from fault
        self.hello = hello

    def _write(self, data: bytes) -> None:
        """Write at the end of this turn of the loop: all frames of one turn leave in one call."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None:
            self._transport.write(b"".join(out))

    def _leave_if_done(self) -> None:
        if self.leaving and not self._waiting and self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def connect(name: str, pid: int) -> Link | None:
    """Return a link to the worker that listens on the abstract socket `name`; None when there is none yet.

    The process that listens must be `pid`, of our own user: the name alone proves nothing.
    """
    loop = asyncio.get_running_loop()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(0)
    try:
        connection.connect(f"\0{name}")  # a unix socket connects at once or not at all
    except OSError:
        connection.close()
        return None
    peer_pid, peer_uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if (peer_pid, peer_uid) != (pid, os.getuid()):
        sys.stderr.write(f"{name} is held by process {peer_pid} of user {peer_uid}, not by our worker {pid}\n")
        connection.close()
        return None
    try:
        _, link = await loop.create_unix_connection(lambda: Link(loop), sock=connection)
    except OSError:  # it died since
        connection.close()
        return None
    return link
