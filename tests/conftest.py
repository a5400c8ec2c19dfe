"""What every test may use: a real server in a folder of its own, its client, its command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bucle.client import Client
from bucle.config import Home
from bucle.server.compose import Installation as Composed
from bucle.server.compose import compose
from bucle.server.life import make_home
from bucle.server.records import hold
from tests.postgresql import cluster

IN_POSTGRESQL = os.environ.get("BUCLE_TEST_RECORDS") == "postgresql"
"""Whether the tests' servers keep their records in PostgreSQL."""
in_a_file = pytest.mark.skipif(IN_POSTGRESQL, reason="it is about records in a SQLite file")
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests that are marked slow to `make test-all`."""
    if os.environ.get("BUCLE_TEST_ALL"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs in `make test-all`"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended: its exit code, what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        """Return stdout as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A server's state folder, and the commands of a person who works with it."""

    home: Path

    def bucle(
        self, *arguments: str, token: str | None = None, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Ran:
        """Run `bucle` with these arguments, and further variables, in this installation."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BUCLE_")}
        environment["BUCLE_HOME"] = str(self.home)
        environment["XDG_STATE_HOME"] = str(self.home.parent / "person")
        if token is not None:
            environment["BUCLE_TOKEN"] = token
        environment.update(env or {})
        command = [sys.executable, "-m", "bucle", *arguments]
        done = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=300
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def up(self) -> None:
        """Start the server on any port; its records lie in PostgreSQL where `BUCLE_TEST_RECORDS=postgresql` says so."""
        address = new_records(self.home)
        ran = self.bucle("up", "--port", "0", *(("--records", address) if address else ()))
        assert ran.code == 0, ran.err

    def announced(self) -> Any:
        """Return what the running server says of itself."""
        return json.loads((self.home / "server.json").read_bytes())

    @property
    def pid(self) -> int:
        """The server's process."""
        return int(self.announced()["pid"])

    @property
    def address(self) -> str:
        """The server's address."""
        return str(self.announced()["address"])

    @property
    def token(self) -> str:
        """The administrator's token."""
        return (self.home / "admin-token").read_text().strip()

    def client(self, token: str | None = None) -> Client:
        """Return a client, of the administrator unless a token is given."""
        return Client(self.address, token or self.token)


def new_records(home: Path) -> str | None:
    """Return the address of a database of its own for a new state folder; None: a file in it, or it has records."""
    known = (home / "records.db").exists() or (home / "records-address").exists()
    return cluster().database() if IN_POSTGRESQL and not known else None


@contextmanager
def composed(home: Home) -> Iterator[Composed]:
    """Give an installation in this process, on a new state folder; nothing turns but what the test turns."""
    make_home(home)
    with closing(hold(home, new_records(home.root))) as held:
        made = compose(home, held.records, lambda: None)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Give a state folder of the test's own, with no server running yet; whatever runs at the end is stopped."""
    made = Installation(home=tmp_path / "home")
    yield made
    made.bucle("down")


@pytest.fixture(scope="session")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give a running server that tests share; each works under names of its own."""
    made = Installation(home=tmp_path_factory.mktemp("shared") / "home")
    made.up()
    yield made
    made.bucle("down")


@pytest.fixture
def client(shared_installation: Installation) -> Iterator[Client]:
    """Give an administrator's client of the shared server."""
    with shared_installation.client() as made:
        yield made


def write(path: Path, text: str) -> Path:
    """Write a file and the folders above it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
