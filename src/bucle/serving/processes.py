"""Gateway and keeper as processes: started once a folder, found again by a later server, replaced, stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bucle import errors
from bucle.runtime import hold, isolated

Which = Literal["keeper", "gateway"]
_GATEWAY_PORT_TAKEN = 5
_READY_S = 20.0
_STOP_S = 40.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that holds the lock of its kind. `port` is the gateway's."""

    pid: int
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlane:
    """The gateway folder's two processes. They outlive the server; `version` says whose they are.

    `ensure` is idempotent: a server calls it when it comes up and once a second thereafter.
    """

    folder: Path
    log: Path
    host: str
    port: int
    version: str
    started: dict[Which, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)
    """What this server started itself: its own children, to be buried when they end."""

    def ensure(self) -> Running:
        """Have a keeper and a gateway of this version running; return the gateway.

        What runs already is kept, unless it is of another version or listens on another port than was asked for: then
        it is replaced, and its workers stay. PlatformFault or Conflict when one does not start.
        """
        version = self._read("version")
        if version.get("version") != self.version:
            self._end("gateway", signal.SIGTERM)
            self._end("keeper", signal.SIGHUP)
            (self.folder / "version.json").write_text(json.dumps({"version": self.version}))
        if running(self.folder, "keeper") is None:
            self._await("keeper", self._start_keeper())
        found = running(self.folder, "gateway")
        if found is not None and self.port not in {0, found.port}:
            self._end("gateway", signal.SIGTERM)
            found = None
        return found or self._await("gateway", self._start_gateway())

    def stop(self) -> None:
        """Stop the gateway, then the workers and their keeper: what is in flight is answered first."""
        self._end("gateway", signal.SIGTERM)
        if running(self.folder, "keeper") is None:
            self._await("keeper", self._start_keeper())  # one that was killed left workers behind
        self._end("keeper", signal.SIGTERM)

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        files = (str(self.folder), str(self.log / "keeper.log"))
        return self._start("keeper", isolated.command("bucle.runtime.keeper:main", *files))

    def _start_gateway(self) -> subprocess.Popen[bytes]:
        port = self.port or self._read("gateway").get("port", 0)  # any port, but the same one again
        command = [sys.executable, "-m", "bucle.gateway", "--folder", str(self.folder), "--host", self.host]
        return self._start("gateway", [*command, "--port", str(port)])

    def _start(self, which: Which, command: Sequence[str]) -> subprocess.Popen[bytes]:
        earlier = self.started.pop(which, None)
        if earlier is not None:  # it lost the lock: dead, or stuck before it took it
            earlier.kill()
            earlier.wait()
        with (self.log / f"{which}.log").open("ab") as log:
            self.started[which] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PYTHONPATH": isolated.PACKAGES} if which == "gateway" else {},
                start_new_session=True,
            )
        return self.started[which]

    def _await(self, which: Which, process: subprocess.Popen[bytes]) -> Running:
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            found = running(self.folder, which)
            if found is not None:
                return found
            if process.poll() is not None:
                break
            time.sleep(_LOOK_S)
        if which == "gateway" and process.poll() == _GATEWAY_PORT_TAKEN:
            raise errors.Conflict("serving.port_taken", port=self.port)
        why = "it is not ready in time" if process.poll() is None else f"exit status {process.returncode}"
        raise errors.PlatformFault("serving.did_not_start", process=which, why=why, log=self.log / f"{which}.log")

    def _end(self, which: Which, number: signal.Signals) -> None:
        found = running(self.folder, which)
        if found is None:
            return
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
        until = time.monotonic() + _STOP_S
        while hold.is_held(self.folder / f"{which}.lock"):
            if time.monotonic() > until:
                with suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGKILL)
            time.sleep(_LOOK_S)
        if which in self.started:
            self.started.pop(which).wait()

    def _read(self, name: str) -> dict[str, Any]:
        return _document(self.folder / f"{name}.json")


def running(folder: Path, which: Which) -> Running | None:
    """Return the process that serves a folder and has said so, or None."""
    found = hold.holder(folder / f"{which}.lock")
    return None if found is None else Running(pid=found["pid"], port=found.get("port"))


def _document(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_bytes())
        return found if isinstance(found, dict) else {}
    return {}
