"""The installation that a campaign works on: furnished, started from the cradle, its processes found and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bucle.access.keys import read_or_make_keys
from bucle.config import Home
from bucle.serving import endpoints
from bucle.serving.processes import DataPlane, running
from bucle.store.records import Records
from tests.conftest import Installation, composed
from tests.endpoints.conftest import Shelf, deployment
from tests.faults.load import DEV, ENDPOINT
from tests.faults.points import opened_by, pids
from tests.serving.conftest import Models

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
EVENLY = {"blue": 50, "green": 50}
PASSWORD = "correct horse battery"
SPAWNER = b"bucle.runtime.spawner"


@dataclass(slots=True, kw_only=True)
class House:
    """A state folder with its server, killed and started again; `killed` are the attempts that lost a supervisor."""

    folder: Path
    pid: int = 0
    port: int = 0
    killed: set[str] = field(default_factory=set)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment of its servers, beside those of the tests."""

    _cradle: subprocess.Popen[str] | None = None

    @property
    def installation(self) -> Installation:
        """The installation as other tests know it."""
        return Installation(home=self.folder / "home")

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.folder / "home"

    @property
    def armed(self) -> Path:
        """The file that names the point at which the server dies."""
        return self.folder / "armed"

    def start(self) -> None:
        """Start a server; return when it answers."""
        self.armed.unlink(missing_ok=True)
        arguments = ["--home", str(self.home), "--port", str(self.port)]
        asked = {"arguments": arguments, "armed": str(self.armed), "log": str(self.folder / "server.log")}
        cradle = self._cradle or self._make_cradle()
        assert cradle.stdin is not None
        assert cradle.stdout is not None
        cradle.stdin.write(json.dumps(asked) + "\n")
        cradle.stdin.flush()
        self.pid = int(cradle.stdout.readline())
        await_true(self.answers, "the server answers")
        self.port = int(self._said()["port"])

    def arm(self, point: str) -> None:
        """Have the server die at a point; seen whole or not at all."""
        draft = self.armed.with_name("arming")
        draft.write_text(point)
        draft.rename(self.armed)

    def answers(self) -> bool:
        """Return whether this server answers; AssertionError when it has died instead."""
        assert is_alive(self.pid), (self.folder / "server.log").read_text()[-2000:]
        said = self._said()
        with suppress(httpx2.TransportError):
            return said.get("pid") == self.pid and httpx2.get(f"{said['address']}/api/v1/health").is_success
        return False

    def kill_server(self) -> None:
        """Kill the server, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.await_death()

    def kill(self, pid: int) -> None:
        """Kill a supervisor, and remember that its attempt lost it."""
        self.killed.add(str(self.supervisors().get(pid)))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def await_death(self) -> None:
        """Wait until the server is gone with all its threads, and so with its lock."""
        await_true(lambda: not Path(f"/proc/{self.pid}").exists(), "the server is dead")

    def stop(self) -> None:
        """Stop the server, and all that a killed one would leave to the next."""
        if self.pid and is_alive(self.pid):
            os.kill(self.pid, signal.SIGTERM)
            self.await_death()
        self.plane().stop()

    def close(self) -> None:
        """Stop the server and the cradle."""
        self.stop()
        if self._cradle is not None:
            self._cradle.communicate()

    def plane(self) -> DataPlane:
        """Return the data plane as a later server would find it."""
        place = Home(root=self.home)
        return DataPlane(folder=place.gateway, log=place.log, host="127.0.0.1", port=0, version="none")

    def supervisors(self) -> dict[int, Path]:
        """Return the supervisors that hold an attempt of this folder."""
        found, start = {}, f"{self.home}/attempts/"
        for pid in pids():
            if SPAWNER in cmdline(pid):
                for name in opened_by(pid):
                    if name.startswith(start) and name.endswith("/lock"):
                        found[pid] = Path(name).parent
        return found

    def spawners(self) -> list[int]:
        """Return the spawner of this server."""
        mine = []
        for children in Path(f"/proc/{self.pid}/task").glob("*/children"):
            with suppress(OSError):
                mine += [int(pid) for pid in children.read_text().split() if SPAWNER in cmdline(int(pid))]
        return mine

    def user_code(self) -> list[int]:
        """Return the processes that run in an attempt of this folder."""
        tag = f"BUCLE_ATTEMPT={self.home}/attempts/".encode()
        return [pid for pid in pids() if tag in environ(pid)]

    def of_plane(self, which: str) -> list[int]:
        """Return the keeper or the gateway."""
        found = running(self.home / "gateway", which)  # type: ignore[arg-type]  # one of two words
        return [] if found is None else [found.pid]

    def workers(self) -> list[int]:
        """Return the workers that are up."""
        told = self.read("workers").get("workers", {})
        return [one["pid"] for one in told.values() if one["pid"]]

    def read(self, name: str) -> dict[str, Any]:
        """Return one of the documents of the data plane; empty when it is not there."""
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.home / "gateway" / f"{name}.json").read_bytes())
            return found
        return {}

    def scoring(self) -> str | None:
        """Return where the gateway answers, as it said last."""
        port = self.read("gateway").get("port")
        return None if port is None else f"http://127.0.0.1:{port}"

    def furnish(self, models: Models | None, promotions: int) -> list[str]:
        """Make the state folder, with a model on its shelf and promotions that wait; return their names."""
        with composed(Home(root=self.home)) as installation:
            if models is None:
                return []
            shelf = Shelf(world=installation.world)
            shelf.environment(models.environment, "dev")
            release = shelf.release("car", models.folder / "awkward")
            for number in range(promotions):
                shelf.promote(release, "prod", "awaiting approval", number)
            return [f"{release.alias}-to-prod-{number}" for number in range(promotions)]

    def warm(self, *, serving: bool) -> None:
        """Build what jobs need, and put two deployments behind the endpoint."""
        with self.installation.client() as client:
            session = client.data.session
            words = {"type": "command", "name": "warm", "command": "true", "environment": {"image": "python"}}
            session.post(f"{DEV}/jobs", words)
            assert client.job.wait("warm")["status"] == "completed"
            if serving:
                session.post(f"{DEV}/online-endpoints", {"name": ENDPOINT})
                for name in ("blue", "green"):
                    session.post(f"{DEV}/online-endpoints/{ENDPOINT}/deployments", deployment(name))
                for name in ("blue", "green"):
                    client.online_deployment.wait(ENDPOINT, name)
                client.online_endpoint.update(ENDPOINT, traffic=EVENLY)

    def scoring_key(self) -> str:
        """Return the key of the endpoint; nobody reads it in dev, so it is worked out as the server does."""
        place = Home(root=self.home)
        with closing(Records(f"sqlite:///{place.records}")) as records, records.read() as rows:
            found = endpoints.find(rows, "dev", ENDPOINT)
        assert found is not None
        return found.key("primary", read_or_make_keys(place.keys).hmac)

    def approver(self) -> str:
        """Let somebody in who may say no to promotions; return his session."""
        with self.installation.client() as client:
            code = client.principal.invite("approver", kind="person")["code"]
            session = client.sign_in.redeem(code, PASSWORD)["session"]
            client.binding.create("approver", "Approver", "/stages/prod")
        return str(session)

    def _said(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.home / "server.json").read_bytes())
            return found
        return {}

    def _make_cradle(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **self.variables}
        self._cradle = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.cradle"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )
        return self._cradle


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that is dead and unburied does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def cmdline(pid: int) -> bytes:
    """Return the command line of a process, empty when there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def environ(pid: int) -> bytes:
    """Return the environment that a process was started with."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def die_at(folder: Path, point: str, *command: str, records: str | None = None) -> None:
    """Run a module as a process of its own, and see it die at a point; `records` is where it is to keep them."""
    (folder / "armed").write_text(point)
    environment = {**os.environ, **({"BUCLE_RECORDS": records} if records else {})}
    words = [sys.executable, "-m", "tests.faults.dying", str(folder / "armed"), *command]
    done = subprocess.run(words, cwd=ROOT, env=environment, timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGKILL
