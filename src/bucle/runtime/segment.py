"""Segments: the files in which the gateway leaves what was asked and answered, and how each is read back.

A segment is a magic line, then records: `<IIII` (length of header, request and response, CRC-32 of the three), the
header as JSON, the two bodies. A record that was cut short by a loss of power ends the segment.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

MAGIC = b"bucle segment 1\n"
OPEN, SEALED = ".open", ".sealed"
LIVE, REPLAYED = "live-", "replayed-"
_HEAD = struct.Struct("<IIII")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One request that reached a deployment. `accepted_us` is wall time in microseconds since 1970.

    `request` and `response` are the bodies as sent; both are empty but for an answer 200. `latency_us` is from
    acceptance to answer, `took_us` what the model took of it.
    """

    request_id: str
    accepted_us: int
    stage: str
    endpoint: str
    deployment: str
    release: str
    model: str
    replayed: bool
    status: int
    latency_us: int
    took_us: int
    request: bytes
    response: bytes


_IN_HEADER = tuple(field.name for field in fields(Collected) if field.name not in {"request", "response"})


def encode(collected: Collected) -> bytes:
    """Return the record of one request."""
    header = json.dumps([getattr(collected, name) for name in _IN_HEADER], separators=(",", ":")).encode()
    parts = (header, collected.request, collected.response)
    head = _HEAD.pack(*map(len, parts), _checksum(parts))
    return b"".join((head, *parts))


def read_segment(path: Path) -> tuple[list[Collected], int]:
    """Return the records of a segment, and how many bytes at its end are no whole record."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        return [], len(content)
    found: list[Collected] = []
    at = len(MAGIC)
    while (record := _record(content, at)) is not None:
        collected, at = record
        found.append(collected)
    return found, len(content) - at


def _record(content: bytes, at: int) -> tuple[Collected, int] | None:
    """Return the record at `at` and where the next one begins, or None when there is no whole one."""
    if len(content) - at < _HEAD.size:
        return None
    *lengths, checksum = _HEAD.unpack_from(content, at)
    at += _HEAD.size
    if len(content) - at < sum(lengths):
        return None
    parts = []
    for length in lengths:
        parts.append(content[at : at + length])
        at += length
    if _checksum(parts) != checksum:
        return None
    header, request, response = parts
    named = dict(zip(_IN_HEADER, json.loads(header), strict=True))
    return Collected(**named, request=request, response=response), at


def _checksum(parts: Sequence[bytes]) -> int:
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return found
