"""HTTP/1.1 in front: llhttp (through httptools) parses; limits, order of pipelined answers and keep-alive are ours.

llhttp refuses smuggling; it does not look at a missing Host, the length of URL, headers and body, or the time they
take. Each of these is checked here.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import cast

import httptools

from bucle.gateway.answers import Answer, reason_of, refuse
from bucle.gateway.core import Core, InFlight, Request

_READ_ONCE = frozenset({b"authorization", b"content-type", b"x-request-id", b"azureml-model-deployment", b"host"})
_AROUND_HEADER = 4  # colon, space and the end of the line
_MOST_PIPELINED = 16
_MOST_PIPELINED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may cost. Sizes in bytes; times run from the first byte of a request."""

    url: int = 8 << 10
    headers: int = 32 << 10
    body: int = 16 << 20
    header_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 75.0
    connections: int = 1024


class Connections:
    """All connections of one front, and whether they are to end."""

    def __init__(self, core: Core, limits: Limits) -> None:
        self.core = core
        self.limits = limits
        self.open: set[Connection] = set()
        self.ending = False
        self.loop = asyncio.get_running_loop()

    def sweep(self) -> None:
        """End the connections whose time is up."""
        for connection in tuple(self.open):
            connection.look_at_clock()

    def end(self) -> None:
        """End each connection once it has its present answer."""
        self.ending = True
        for connection in tuple(self.open):
            connection.end_if_idle()


class Connection(asyncio.Protocol):
    """One client connection. One request of it is with the core at a time; others that came with it wait in order."""

    def __init__(self, house: Connections) -> None:
        self._house = house
        self._limits = house.limits
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[tuple[Request, bool]] = deque()
        self._queued_bytes = 0
        self._in_flight: InFlight | None = None
        self._busy = False
        self._keep_alive = True
        self._paused = False
        self._began_at: float | None = house.loop.time()
        self._headers_done = False
        self._idle_since = house.loop.time()
        self._last_word: Answer | None = None
        self._clear()

    # -- the connection ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or turn away what is beyond the limit."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's
        if len(self._house.open) >= self._limits.connections:
            self._fail(refuse("gateway.full", most=self._limits.connections))
            return
        self._house.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Give up what is in flight: nobody waits for it."""
        self._transport = None
        self._house.open.discard(self)
        if self._in_flight is not None:
            self._in_flight.give_up()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what it refuses ends the connection."""
        if self._transport is None or self._last_word is not None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(refuse("gateway.upgrade"))
        except httptools.HttpParserError:
            self._fail(refuse("gateway.malformed"))

    def pause_writing(self) -> None:
        """Read no more from a client that does not take its answers."""
        self._pause()

    def resume_writing(self) -> None:
        """Go on."""
        self._resume()

    def look_at_clock(self) -> None:
        """End the connection when its request is too slow, or when it has been idle for too long."""
        now = self._house.loop.time()
        if self._began_at is not None:
            limit = self._limits.body_s if self._headers_done else self._limits.header_s
            if now - self._began_at > limit and not self._busy:
                self._fail(refuse("gateway.slow", seconds=limit))
        elif not self._busy and now - self._idle_since > self._limits.idle_s:
            self._close()

    def end_if_idle(self) -> None:
        """Close a connection that waits for a next request."""
        if not self._busy and self._began_at is None:
            self._close()

    # -- the parser's callbacks ----------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """Start the request's clock."""
        self._began_at = self._house.loop.time()

    def on_url(self, url: bytes) -> None:
        """Add to the URL."""
        self._url += url
        if len(self._url) > self._limits.url:
            self._fail(refuse("gateway.long_url", most=self._limits.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what the core reads; trailers count, and say nothing."""
        self._header_bytes += len(name) + len(value) + _AROUND_HEADER
        if self._header_bytes > self._limits.headers:
            self._fail(refuse("gateway.large_headers", most=self._limits.headers))
        name = name.lower()
        if self._headers_done:
            return
        if name in _READ_ONCE:
            if name in self._headers:
                code = "gateway.no_host" if name == b"host" else "gateway.twice"
                self._fail(refuse(code, header=name.decode()))
            self._headers[name] = value
        elif name == b"content-length" and int(value) > self._limits.body:
            self._fail(refuse("gateway.large_body", most=self._limits.body))
        elif name == b"expect" and value.lower() == b"100-continue":
            self._continue_asked = True

    def on_headers_complete(self) -> None:
        """Check what must be there; invite the body of a client that asked first."""
        self._headers_done = True
        if b"host" not in self._headers and self._parser.get_http_version() != "1.0":
            self._fail(refuse("gateway.no_host"))
        if self._parser.should_upgrade():
            self._fail(refuse("gateway.upgrade"))
        if self._continue_asked and self._transport is not None and self._last_word is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Add to the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body:
            self._fail(refuse("gateway.large_body", most=self._limits.body))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand the request on, or let it wait behind the one that is with the core."""
        if self._transport is None or self._last_word is not None:
            return
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            path=self._url.decode("latin-1"),
            body=b"".join(self._body),
            authorization=self._text(b"authorization"),
            content_type=self._text(b"content-type"),
            request_id=self._text(b"x-request-id"),
            deployment=self._text(b"azureml-model-deployment"),
        )
        keep_alive = self._parser.should_keep_alive()
        self._clear()
        self._began_at = None
        self._queue.append((request, keep_alive))
        self._queued_bytes += len(request.body)
        if self._busy:
            if self._over_queue():
                self._pause()
        else:
            self._next()

    # -- answers -------------------------------------------------------------------------------------------------------
    def _next(self) -> None:
        request, self._keep_alive = self._queue.popleft()
        self._queued_bytes -= len(request.body)
        self._busy = True
        in_flight = self._house.core.score(request, self._answer)
        if self._busy and self._transport is not None:
            self._in_flight = in_flight

    def _answer(self, answer: Answer) -> None:
        self._busy, self._in_flight = False, None
        if self._transport is None:
            return
        if not self._keep_alive or self._house.ending:
            self._end(answer)
            return
        self._transport.write(_response(answer, close=False))
        self._idle_since = self._house.loop.time()
        if self._queue:
            if not self._over_queue():
                self._resume()
            self._house.loop.call_soon(self._next_if_waiting)
        elif self._last_word is not None:
            self._end(self._last_word)
        else:
            self._resume()

    def _next_if_waiting(self) -> None:
        """Take the next one, from a fresh stack: forty refusals in a row must not nest."""
        if self._queue and not self._busy and self._transport is not None:
            self._next()

    def _fail(self, answer: Answer) -> None:
        """Answer and close, behind the answers that are still due; what comes after the first fault is not read."""
        if self._last_word is not None:
            return
        self._last_word = answer
        if not self._busy and not self._queue:
            self._end(answer)

    def _end(self, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(_response(answer, close=True))
            self._close()

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        self._house.open.discard(self)
        if self._in_flight is not None:
            self._in_flight.give_up()
        if transport is not None:
            transport.close()

    def _clear(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._headers_done = False
        self._continue_asked = False
        self._body: list[bytes] = []
        self._body_bytes = 0

    def _text(self, name: bytes) -> str | None:
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def _over_queue(self) -> bool:
        return len(self._queue) >= _MOST_PIPELINED or self._queued_bytes > _MOST_PIPELINED_BYTES

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()


def _response(answer: Answer, *, close: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {reason_of(answer.status)}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append(f"content-length: {len(answer.body)}")
    if close:
        lines.append("connection: close")
    return "\r\n".join((*lines, "\r\n")).encode("latin-1") + answer.body
