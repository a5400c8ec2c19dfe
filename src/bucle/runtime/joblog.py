"""The log of an attempt: what user code prints, through a pipe, without secrets, up to a limit, then counted only."""

import os
from contextlib import suppress
from pathlib import Path

from bucle.runtime.redaction import Redaction

_CHUNK = 1 << 16


class JobLog:
    """The reading end of user code's output and the file that keeps it.

    The pipe is always drained, so that user code is never held up by a full log or a full disk.
    """

    def __init__(self, file: Path, limit_bytes: int, redaction: Redaction) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._limit = limit_bytes
        self._redaction = redaction
        self.source, self.sink = os.pipe()
        os.set_blocking(self.source, False)
        self.kept_bytes = 0
        self.dropped_bytes = 0
        self.fault: str | None = None

    def close_sink(self) -> None:
        """Let go of the end that user code writes to, so that its end is seen."""
        os.close(self.sink)

    def drain(self) -> bool:
        """Take what one read gives; False when there is nothing now, or nobody left to write."""
        try:
            chunk = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return False
        self._take(self._redaction.pass_on(chunk) if chunk else self._redaction.rest())
        return bool(chunk)

    def finish(self) -> None:
        """Take what was held back because a secret might have begun there; nothing more will come."""
        self._take(self._redaction.rest())

    def note(self, line: str) -> None:
        """Add one line of our own."""
        with suppress(OSError):  # a full disk must not stop the attempt; exit.json says the same
            os.write(self._file, f"\nbucle: {line}\n".encode(errors="backslashreplace"))

    def _take(self, text: bytes) -> None:
        room = self._limit - self.kept_bytes
        if room > 0 and text:
            self._keep(text[:room])
        if len(text) > room and self.dropped_bytes == 0:
            self.note(f"the log is full at {self._limit} bytes: what follows is not kept")
        self.dropped_bytes += max(0, len(text) - room)

    def _keep(self, chunk: bytes) -> None:
        try:
            written = os.write(self._file, chunk)
        except OSError as fault:
            written, self.fault = 0, os.strerror(fault.errno or 0)
        self.kept_bytes += written
        self.dropped_bytes += len(chunk) - written
