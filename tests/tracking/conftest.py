"""The MLflow door of an installation in this process, with a clock that a test moves, and environments of clients."""

import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from uv import find_uv_bin

from bucle.access import tokens
from bucle.config import Home
from bucle.core.delegation import job_windows
from bucle.ops.world import World
from bucle.server.app import build_application
from tests.conftest import composed

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
UNREACHABLE = ("error sending request", "Failed to fetch", "dns error", "Could not connect", "timed out")


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        """Return the instant it stands at."""
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """The door, and what a test does through it again and again."""

    world: World
    api: TestClient
    clock: Clock

    @property
    def admin(self) -> str:
        """The administrator's token."""
        return self.world.home.admin_token.read_text().strip()

    def send(
        self, method: str, path: str, *, token: str | None = None, workspace: str = "dev", **more: Any
    ) -> Response:
        """Send a request below a workspace's address."""
        headers = {"Authorization": f"Bearer {token or self.admin}", **more.pop("headers", {})}
        return self.api.request(method, f"/mlflow/{workspace}{path}", headers=headers, **more)

    def ask(self, path: str, /, token: str | None = None, workspace: str = "dev", **body: Any) -> Response:
        """Make a call: GET where the path says `GET`, else POST."""
        method, _, name = path.rpartition(" ")
        kind = {"params": body} if method == "GET" else {"json": body}
        return self.send(method or "POST", f"{API}/{name}", token=token, workspace=workspace, **kind)

    def done(self, path: str, /, token: str | None = None, workspace: str = "dev", **body: Any) -> dict[str, Any]:
        """Make a call that succeeds; return its answer."""
        answer = self.ask(path, token, workspace, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def code(self, path: str, /, token: str | None = None, workspace: str = "dev", **body: Any) -> tuple[int, str]:
        """Make a call; return its status and error code (empty: it succeeded)."""
        answer = self.ask(path, token, workspace, **body)
        return answer.status_code, answer.json().get("error_code", "")

    def experiment(self, token: str | None = None, workspace: str = "dev") -> str:
        """Make an experiment of the test's own; return its id."""
        made = self.done("experiments/create", token, workspace, name=f"experiment-{uuid.uuid4().hex}")
        return str(made["experiment_id"])

    def run(
        self, experiment_id: str | None = None, token: str | None = None, workspace: str = "dev", **body: Any
    ) -> str:
        """Make a run; return its id."""
        where = experiment_id or self.experiment(token, workspace)
        made = self.done("runs/create", token, workspace, experiment_id=where, **body)
        return str(made["run"]["info"]["run_id"])

    def shown(self, run_id: str) -> dict[str, Any]:
        """Return a run."""
        found: dict[str, Any] = self.done("GET runs/get", run_id=run_id)["run"]
        return found

    def job_token(self, stage: str, job: str, **lifetime: float) -> str:
        """Mint what an attempt of a job gets, of the administrator's."""
        windows = job_windows(stage, job, reads=(), writes=())
        scopes = {"windows": [{"scope": str(one.scope), "actions": sorted(one.actions or ())} for one in windows]}
        with self.world.read() as rows:
            owner = self.world.policy.snapshot(rows).bootstrap_id
        assert owner is not None
        with self.world.records.write(self.clock()) as transaction:
            span = timedelta(**(lifetime or {"hours": 1}))
            keys = self.world.keys
            return tokens.mint(transaction, keys, owner, purpose="job", lifetime=span, scopes=scopes).text


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """Give a fresh installation for one person, without a turning engine; each test works in experiments of its own."""
    home = Home(root=tmp_path_factory.mktemp("tracker") / "home")
    with composed(home) as installation:
        clock = Clock()
        world = replace(installation.world, clock=clock)
        with TestClient(build_application(world), base_url="http://127.0.0.1") as api:
            yield Tracker(world=world, api=api, clock=clock)


@pytest.fixture(scope="session")
def python_with() -> Callable[[str, Sequence[str]], Path]:
    """Give a builder of virtual environments, kept from one run of the tests to the next."""

    def build(name: str, packages: Sequence[str]) -> Path:
        folder = Path(tempfile.gettempdir()) / f"bucle-tests-{os.getuid()}" / name
        python = folder / "bin" / "python"
        if not (folder / "built").exists():
            _uv("venv", "--clear", str(folder))
            _uv("pip", "install", "--python", str(python), *packages)
            (folder / "built").touch()
        return python

    return build


def _uv(*arguments: str) -> None:
    done = subprocess.run([find_uv_bin(), "--quiet", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip(f"the package index cannot be reached: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
