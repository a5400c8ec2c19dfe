"""A private PostgreSQL cluster for tests: started by the first that asks, on a socket of its own, gone at the end."""

import atexit
import functools
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ORDINARY = "nobody"
"""Who runs the cluster when the tests run as root, which PostgreSQL refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running cluster: its programs, its folder (socket and data)."""

    programs: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def database(self) -> str:
        """Return the address of a new, empty database."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.run("psql", "-q", "-d", "postgres", "-c", f"CREATE DATABASE {name}")
        return f"postgresql://bucle@/{name}?host={self.folder}"

    def dump(self, address: str) -> str:
        """Return everything that a database holds, as SQL."""
        name = address.partition("@/")[2].partition("?")[0]
        return self.run("pg_dump", "-d", name)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=400 -c log_min_messages=fatal"
        self.run(
            "pg_ctl", "-w", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` is a crash, of which it recovers at its next start."""
        self.run("pg_ctl", "-w", "-D", str(self.folder / "data"), "-m", how, "stop")

    def run(self, program: str, *arguments: str) -> str:
        """Run one of its programs as the user who owns it; return what it printed."""
        command = [str(self.programs / program), *arguments]
        if program in {"psql", "pg_dump"}:
            command[1:1] = ["-h", str(self.folder), "-U", "bucle"]
        if program == "psql":
            command[1:1] = ["-v", "ON_ERROR_STOP=1"]
        return _as_ordinary(command, self.folder)


@functools.cache
def cluster() -> Cluster:
    """Return the cluster of this test run; the test is skipped where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: sudo apt-get install -y postgresql")
    folder = Path(tempfile.mkdtemp(prefix="bucle-pg-"))
    if os.geteuid() == 0:
        person = pwd.getpwnam(ORDINARY)
        os.chown(folder, person.pw_uid, person.pw_gid)
    made = Cluster(programs=programs, folder=folder)
    data = str(folder / "data")
    made.run("initdb", "-D", data, "-U", "bucle", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8")
    made.start()
    atexit.register(_end, made)
    return made


def _end(made: Cluster) -> None:
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


def _programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = installed[-1] if installed else shutil.which("initdb")
    return None if found is None else Path(found).parent


def _as_ordinary(command: Sequence[str], folder: Path) -> str:
    who = {"user": ORDINARY, "group": pwd.getpwnam(ORDINARY).pw_gid} if os.geteuid() == 0 else {}
    # pg_ctl's server keeps what it inherits: a pipe would never end
    with (folder / "told").open("w+") as told:
        done = subprocess.run(command, stdout=told, stderr=told, cwd=folder, check=False, **who)  # type: ignore[call-overload]
        told.seek(0)
        text = str(told.read())
    assert done.returncode == 0, text
    return text
