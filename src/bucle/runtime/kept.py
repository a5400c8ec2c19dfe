"""One kept worker: its incarnations, each an attempt under its own supervisor, and what is seen of it."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bucle.runtime import folder, linux
from bucle.runtime.attempt import Exit, Run
from bucle.runtime.wanted import Wanted, attempt_of, socket_of

State = Literal["starting", "ready", "restarting", "failed", "stopping"]
GIVE_UP_AFTER = 5
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 10.0
_TAIL_BYTES = 4096
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True, kw_only=True)
class Kept:
    """A worker and its present incarnation. Instants are seconds of the monotonic clock.

    `failed`: its last start did not come to be ready. It is tried five times when it was never ready, for ever
    when it was.
    """

    id: str
    place: Path
    socket: str
    n: int
    state: State = "starting"
    restarts: int = 0
    failures: int = 0
    ever_ready: bool = False
    ready_since: float | None = None
    next_try_at: float | None = None
    unwanted_since: float | None = None
    last_error: str | None = None
    tail: str = ""

    @property
    def running(self) -> bool:
        """Whether it has an incarnation, as far as the keeper knows."""
        return self.next_try_at is None and not self.given_up

    @property
    def given_up(self) -> bool:
        """Whether it is not tried any more."""
        return self.failures >= GIVE_UP_AFTER and not self.ever_ready

    def seen_ready(self, now: float) -> None:
        """Note that it listens; ten steady seconds forgive what failed before."""
        if self.ready_since is None:
            self.ready_since = now
        self.ever_ready = True
        if now - self.ready_since > _STEADY_S:
            self.failures = 0
        if self.state != "stopping":
            self.state = "ready"

    def ended(self, now: float, why: str, tail: str) -> None:
        """Note that its incarnation is over, and when the next is due."""
        self.last_error, self.tail = why, tail
        self.state = "restarting" if self.ready_since is not None else "failed"
        self.ready_since = None
        self.failures += 1
        self.next_try_at = now + min(_FIRST_PAUSE_S * 2 ** (self.failures - 1), _LONGEST_PAUSE_S)
        if self.given_up:
            self.next_try_at = None

    def document(self, run: Run | None) -> dict[str, Any]:
        """Return what the server and the gateway are told."""
        pid = run.user_pid if run is not None else None
        return {
            "state": self.state,
            "socket": self.socket,
            "n": self.n,
            "pid": pid,
            "boot_id": None if run is None else run.boot_id,
            "restarts": self.restarts,
            "failures": self.failures,
            "given_up": self.given_up,
            "last_error": self.last_error,
            "tail": self.tail,
            "log": str(self.place / "out.log"),
            "hello": hello_of(self.place) if self.state == "ready" else None,
            **usage_of(pid),
        }


def incarnate(root: Path, wanted: Wanted, n: int, keys: Path) -> tuple[Path, str]:
    """Write the order of a worker's `n`th incarnation; return its folder and its socket's name.

    The name is made of chance: nobody can be waiting on it.
    """
    place = root / f"{wanted.id}.{n}"
    socket = f"bucle-{wanted.id}-{n}-{secrets.token_hex(8)}"
    folder.write_spec(place, attempt_of(wanted, place, socket, keys))
    return place, socket


def adopt(place: Path) -> Kept | None:
    """Return the worker that an earlier keeper started in `place`, or None when its order cannot be read."""
    identity, _, n = place.name.rpartition(".")
    with suppress(OSError, ValueError, KeyError):
        return Kept(id=identity, place=place, socket=socket_of(folder.read_spec(place)), n=int(n))
    return None


def hello_of(place: Path) -> dict[str, Any] | None:
    """Return what a worker said of itself when it began to listen, or None before."""
    with suppress(OSError, ValueError):
        found = json.loads((place / "home" / "ready.json").read_bytes())
        return found if isinstance(found, dict) else None
    return None


def why_ended(place: Path, found: Exit | None) -> tuple[str, str]:
    """Return in one line why an incarnation is over, and the tail of its log."""
    tail = _tail(place / "out.log")
    if found is None:
        return "its supervisor was killed", tail
    if found.detail is not None:
        return found.detail, tail
    said = [line for line in tail.splitlines() if line.startswith("cannot serve: ")]
    if said:
        return said[-1].removeprefix("cannot serve: "), tail
    rc = found.rc if found.rc is not None else 0
    return f"killed by signal {-rc}" if rc < 0 else f"exit status {rc}", tail


def usage_of(pid: int | None) -> dict[str, Any]:
    """Return CPU seconds, resident bytes and start (clock ticks since boot) of a process; zeros when it is gone."""
    with suppress(OSError, IndexError):
        if pid is not None:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()
            cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
            return {"cpu_s": cpu_s, "rss_bytes": int(fields[21]) * _PAGE, "start": linux.start_time(pid)}
    return {"cpu_s": 0.0, "rss_bytes": 0, "start": None}


def _tail(log: Path) -> str:
    with suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return stream.read().decode(errors="replace")
    return ""
