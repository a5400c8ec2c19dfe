"""The wire frame between gateway and scoring worker: 16 bytes of header, an optional JSON meta part, a body.

| offset | field | meaning |
|---|---|---|
| 0 u32 | payload length | bytes after the header |
| 4 u32 | request id | per link, wraps; answers come in any order |
| 8 u8 | kind | what the frame is |
| 9 u8 | protocol | what the body is; the high bit says that a meta part is in front of it |
| 10 u16 | status | of a response: its HTTP status |
| 12 u32 | aux | of a request: milliseconds left; of a response: microseconds that the model took |

Little endian. The payload is `[u16 length, JSON]` when there is a meta part, then the body.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
REQUEST, RESPONSE, CANCEL, PING, PONG, HELLO = range(1, 7)
SCORE = 1
HEADER = struct.Struct("<IIBBHI")
WRAP = 1 << 32
_META_LENGTH = struct.Struct("<H")
_META_BIT = 0x80
_LONGEST_META = 0xFFFF


class FrameError(Exception):
    """The other end does not speak our frame: the link cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message of a link."""

    request_id: int
    kind: int
    protocol: int = 0
    status: int = 0
    aux: int = 0
    meta: Mapping[str, Any] | None = None
    body: bytes = b""


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame; ValueError when its meta part is longer than 64 KiB."""
    protocol, front = frame.protocol, b""
    if frame.meta is not None:
        document = json.dumps(frame.meta, separators=(",", ":")).encode()
        if len(document) > _LONGEST_META:
            raise ValueError(f"a meta part of {len(document)} bytes does not fit a frame")
        protocol, front = protocol | _META_BIT, _META_LENGTH.pack(len(document)) + document
    length = len(front) + len(frame.body)
    header = HEADER.pack(length, frame.request_id, frame.kind, protocol, frame.status, frame.aux)
    return b"".join((header, front, frame.body))


class Decoder:
    """Cuts a stream of bytes into frames, whatever the pieces it comes in."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now; FrameError when what comes is none of ours."""
        self._pending += data
        frames: list[Frame] = []
        at = 0
        while len(self._pending) - at >= HEADER.size:
            length, request_id, kind, protocol, status, aux = HEADER.unpack_from(self._pending, at)
            if length > self._limit:
                raise FrameError(f"a frame of {length} bytes is over the limit of {self._limit}")
            if not REQUEST <= kind <= HELLO:
                raise FrameError(f"{kind} is no kind of frame")
            end = at + HEADER.size + length
            if len(self._pending) < end:
                break
            meta, body = _payload(bytes(memoryview(self._pending)[at + HEADER.size : end]), protocol)
            frames.append(
                Frame(
                    request_id=request_id,
                    kind=kind,
                    protocol=protocol & ~_META_BIT,
                    status=status,
                    aux=aux,
                    meta=meta,
                    body=body,
                )
            )
            at = end
        del self._pending[:at]
        return frames


def _payload(payload: bytes, protocol: int) -> tuple[Mapping[str, Any] | None, bytes]:
    if not protocol & _META_BIT:
        return None, payload
    if len(payload) < _META_LENGTH.size:
        raise FrameError("the meta part is cut short")
    (length,) = _META_LENGTH.unpack_from(payload)
    end = _META_LENGTH.size + length
    if len(payload) < end:
        raise FrameError("the meta part is cut short")
    try:
        meta = json.loads(payload[_META_LENGTH.size : end])
    except (ValueError, RecursionError) as fault:
        raise FrameError("the meta part is no JSON") from fault
    if not isinstance(meta, dict):
        raise FrameError("the meta part is no object")
    return meta, payload[end:]
