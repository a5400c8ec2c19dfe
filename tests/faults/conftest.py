"""A ledger that no platform writes, a server that dies at a named point, and what is still running of a folder."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Installation
from tests.faults.house import House

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A folder in the memory that jobs share: a step adds a line there, and no server takes one away."""

    folder: Path

    @property
    def command(self) -> str:
        """Return the words by which a step says that it has begun."""
        return f"echo $BUCLE_ATTEMPT >> {self.folder}/lines"

    @property
    def lines(self) -> Sequence[str]:
        """Return what was written."""
        with suppress(FileNotFoundError):
            return (self.folder / "lines").read_text().split()
        return []


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Give a new ledger; a job's own folders are made anew for each attempt, and prove nothing."""
    folder = Path(tempfile.mkdtemp(prefix="bucle-ledger-", dir="/dev/shm"))
    yield Ledger(folder=folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that tests kill and start again; each works under names of its own, and leaves it up."""
    made = House(folder=tmp_path_factory.mktemp("house"))
    try:
        made.furnish(None, 0)
        made.start()
        made.warm(serving=False)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give a folder without a server, in which the environment of `job` is built; each test has its own names."""
    made = Installation(home=tmp_path_factory.mktemp("warm") / "home")
    made.up()
    submit(made, job("true", "warm"), "warm")
    with made.client() as client:
        assert client.job.wait("warm")["status"] == "completed"
    made.bucle("down")
    yield made
    made.bucle("down")


def job(command: str, name: str) -> dict[str, Any]:
    """Return the document of a command job."""
    return {"type": "command", "name": name, "command": command, "environment": {"image": "python"}}


def submit(installation: Installation, body: dict[str, Any], key: str) -> httpx2.Response | None:
    """Submit a job under an idempotency key; None when the server died instead of answering."""
    headers = {"Authorization": f"Bearer {installation.token}", "Idempotency-Key": key}
    url = f"{installation.address}/api/v1/stages/dev/jobs"
    with suppress(httpx2.NetworkError, httpx2.RemoteProtocolError):
        return httpx2.post(url, json=body, headers=headers, timeout=PATIENCE_S)
    return None


def running_of(home: Path) -> list[str]:
    """Return the command lines of the processes that have a state folder open, run in it, or name it."""
    found = []
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            if place.name.isdigit() and int(place.name) != os.getpid() and str(home) in _seen(place):
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def _seen(place: Path) -> str:
    links = [place / "cwd", *(place / "fd").iterdir()]
    return "\n".join(
        [(place / "cmdline").read_bytes().decode(errors="replace"), *(str(one.readlink()) for one in links)]
    )
