"""The server's side of the spawner: start the process, start another when it died, hand it folders."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

# -I and -S keep the user's site and environment out, so where our package lies is an argument. It is
# appended: nothing installed beside us can stand in for a module of the standard library.
_START = "import sys; sys.path.append(sys.argv[1]); from bucle.runtime.spawner import serve; serve(sys.argv[2])"
_PACKAGES = Path(__file__).resolve().parents[2]
_PATIENCE_S = 5.0


class Spawner:
    """One spawner process, for use by one thread. Its words, if any, are appended to the file `log`.

    A folder may be lost with a spawner that dies before it has read it: then `probe` keeps saying Unclaimed,
    and spawning the same folder again is safe.
    """

    def __init__(self, *, notify: str, log: Path) -> None:
        self._notify = notify
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that serves now, None when there is none."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def spawn(self, folder: Path) -> None:
        """Have a supervisor forked for `folder`, whose spec.json is written. At most one ever runs it."""
        message = bytes(folder.absolute()) + b"\0"
        try:
            self._send(message)
        except BrokenPipeError:  # it died since it was looked at
            self.close()
            self._send(message)

    def close(self) -> None:
        """End the process; supervisors live on."""
        if self._process is not None:
            stream = self._process.stdin
            assert stream is not None
            stream.close()
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, message: bytes) -> None:
        if self.pid is None:
            self.close()
            self._process = self._start()
        assert self._process is not None
        stream = self._process.stdin
        assert stream is not None
        stream.write(message)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", "-c", _START, str(_PACKAGES), self._notify]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                bufsize=0,  # a path is shorter than PIPE_BUF: it arrives whole or not at all
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={},
                start_new_session=True,
            )
