"""Collection: what was asked and answered goes through a bounded buffer into segment files, and never blocks."""

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bucle.runtime.segment import LIVE, MAGIC, OPEN, REPLAYED, SEALED, Collected, encode

BUFFER_BYTES = 64 << 20
SEAL_BYTES = 16 << 20
SEAL_S = 1.0
_WRITE_EVERY_S = 0.1


class Collector:
    """One thread that writes. What does not fit the buffer, or the disk, is dropped and counted."""

    def __init__(self, folder: Path, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._folder = folder
        self._buffer_bytes = buffer_bytes
        folder.mkdir(mode=0o700, exist_ok=True)
        _seal_left(folder)
        self._lock = threading.Lock()
        self._buffer: list[Collected] = []
        self._size = 0
        self._segments = {False: _Segment(folder, LIVE), True: _Segment(folder, REPLAYED)}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)
        self.dropped = 0
        self.written = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, collected: Collected) -> None:
        """Take one request; drop it when the buffer is full."""
        size = len(collected.request) + len(collected.response)
        with self._lock:
            if self._size + size > self._buffer_bytes:
                self.dropped += 1
            else:
                self._size += size
                self._buffer.append(collected)

    def close(self) -> None:
        """Write and seal what there is."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_WRITE_EVERY_S):
            self._write(at_once=False)
        self._write(at_once=True)

    def _write(self, *, at_once: bool) -> None:
        with self._lock:
            batch, self._buffer, self._size = self._buffer, [], 0
        for replayed, segment in self._segments.items():
            mine = [collected for collected in batch if collected.replayed is replayed]
            try:
                if mine:
                    segment.append(b"".join(map(encode, mine)))
                    self.written += len(mine)
                segment.seal_if_due(at_once=at_once)
            except OSError as fault:  # the disk is full: scoring goes on without its record
                self.dropped += len(mine)
                segment.give_up()
                sys.stderr.write(f"collection: {fault}; {len(mine)} requests dropped\n")


class _Segment:
    """The segment of one kind that is being written, or none."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._path: Path | None = None
        self._stream: BinaryIO | None = None
        self._size = 0
        self._began_at = 0.0

    def append(self, records: bytes) -> None:
        """Write whole records; a segment is made when there is none."""
        if self._stream is None:
            self._path = self._folder / f"{self._kind}{time.time_ns()}-{os.getpid()}{OPEN}"
            self._stream = self._path.open("xb", buffering=0)
            self._size, self._began_at = 0, time.monotonic()
            records = MAGIC + records
        while records:  # an unbuffered write may be short
            written = self._stream.write(records) or 0
            records, self._size = records[written:], self._size + written

    def seal_if_due(self, *, at_once: bool) -> None:
        """Close a segment that is full or old, so that the server may take it."""
        if self._stream is None or self._path is None:
            return
        if at_once or self._size >= SEAL_BYTES or time.monotonic() - self._began_at > SEAL_S:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._path.rename(self._path.with_suffix(SEALED))
            self._stream = self._path = None

    def give_up(self) -> None:
        """Leave the segment as it is, to be sealed with its whole records; the next append makes another."""
        if self._stream is not None and self._path is not None:
            with suppress(OSError):
                self._stream.close()
                self._path.rename(self._path.with_suffix(SEALED))
        self._stream = self._path = None


def _seal_left(folder: Path) -> None:
    """Seal what a gateway that was killed left open; its last record may be cut short."""
    for path in folder.glob(f"*{OPEN}"):
        path.rename(path.with_suffix(SEALED))
