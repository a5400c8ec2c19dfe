"""A data plane of the tests' own: models in a real environment, a real keeper, a real gateway, and a client."""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from uv import find_uv_bin

from bucle.config import package_index
from bucle.core.routing import DeploymentRoute, EndpointRoute, Secrets, Worker, table_of
from bucle.runtime.codecheck import digest_of
from bucle.serving.processes import DataPlane, running
from bucle.serving.routes import digest_of_key
from bucle.store.objects import write_file

PATIENCE_S = 90.0
SALT = "5a" * 32
KEY, SECOND_KEY, OTHER_KEY, REPLAY_TOKEN = "key-one", "key-two", "key-of-other", "replay-token"
PACKAGES = ("scikit-learn", "pandas", "mlflow-skinny==3.17.2", "skops", "numpy")
PAYLOAD_TYPE, RELEASE = "application/vnd.in-toto+json", "urn:bucle:release:v1"
SIGNING_KEY = Ed25519PrivateKey.generate()
TRUSTED = {"id": "k1", "ed25519": SIGNING_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()}
GOOD = {"input_data": {"columns": ["weight", "power", "origin"], "index": [0], "data": [[1550.0, 142.0, "eu"]]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The environment and the models that were made in it."""

    environment: Path
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.environment / "bin" / "python"

    def worker(self, name: str, identity: str) -> Worker:
        """Return the worker that serves the model `name`."""
        model, lock = self.folder / name, self.environment / "pyvenv.cfg"
        return Worker(
            id=identity,
            python=str(self.python),
            read=(str(self.environment), str(self.python.resolve().parents[1])),
            model=str(model),
            model_digest=digest_of(str(model)),
            lock=str(lock),
            lock_digest=digest_of(str(lock)),
            isolation="auto",
            pass_through=("car", "at") if name == "fuel" else (),
            most_rows=1000,
            statement=attested(digest_of(str(model))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a request got."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(kw_only=True)
class House:
    """A gateway folder, its processes, and what is routed."""

    root: Path
    models: Models
    generation: int = 0
    plane: DataPlane = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / "gateway"
        for made in (self.folder, self.root / "log"):
            made.mkdir(mode=0o700)
        (self.root / "trusted-keys.json").write_text(json.dumps({"keys": [TRUSTED]}))
        self.plane = DataPlane(folder=self.folder, log=self.root / "log", host="127.0.0.1", port=0, version="1")

    def route(self, *endpoints: EndpointRoute) -> None:
        """Publish the next generation, and wait until the gateway follows it."""
        self.generation += 1
        secrets = Secrets(salt=SALT, replay=digest_of_key(SALT, REPLAY_TOKEN))
        document = table_of(self.generation, secrets, endpoints)
        write_file(self.folder / "routes.json", json.dumps(document).encode())
        await_true(lambda: self.read("applied").get("generation") == self.generation, "the table is applied")

    def read(self, name: str) -> dict[str, Any]:
        """Return one of the documents of the folder; empty when it is not there."""
        try:
            found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def worker(self, identity: str) -> dict[str, Any]:
        """Return what the keeper sees of a worker."""
        found: dict[str, Any] = self.read("workers").get("workers", {}).get(identity, {})
        return found

    def await_ready(self, identity: str, *, other_than: int | None = None) -> int:
        """Wait until a worker is ready; return its process."""
        await_true(
            lambda: self.worker(identity).get("state") == "ready" and self.worker(identity)["pid"] != other_than,
            f"the worker {identity} is ready",
        )
        pid = self.worker(identity)["pid"]
        assert isinstance(pid, int)
        return pid

    def await_served(self, endpoint: str = "fuel", body: object = GOOD) -> None:
        """Wait until an endpoint answers."""
        await_true(lambda: self.score(body, endpoint=endpoint).status == 200, f"{endpoint} is served")

    def pid(self, which: str) -> int:
        """Return the process of the keeper or the gateway."""
        found = running(self.folder, which)  # type: ignore[arg-type]  # one of two words
        assert found is not None
        return found.pid

    @property
    def port(self) -> int:
        """The port that the gateway listens on."""
        return int(self.read("gateway")["port"])

    def score(self, body: object, *, endpoint: str = "fuel", key: str | None = KEY, **headers: str) -> Answered:
        """Ask an endpoint; `_` in the name of a header stands for `-`."""
        given = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if key is not None:
            given["authorization"] = f"Bearer {key}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request("POST", f"/dev/{endpoint}/score", content, given)
            found = connection.getresponse()
            return Answered(
                status=found.status,
                headers={name.lower(): value for name, value in found.getheaders()},
                body=json.loads(found.read()),
            )
        finally:
            connection.close()


def endpoint(name: str, worker: Worker, **settings: Any) -> EndpointRoute:
    """Return an endpoint whose one deployment, blue, gets all traffic."""
    return split(name, {"blue": 1000}, blue=DeploymentRoute(name="blue", release="r1", worker=worker, **settings))


def split(name: str, traffic: Mapping[str, int], **deployments: DeploymentRoute) -> EndpointRoute:
    """Return an endpoint with several deployments."""
    keys = (OTHER_KEY,) if name == "other" else (KEY, SECOND_KEY)
    return EndpointRoute(
        stage="dev",
        name=name,
        keys=tuple(digest_of_key(SALT, key) for key in keys),
        traffic=traffic,
        deployments=tuple(deployments.values()),
    )


def attested(model_digest: str, key: Ed25519PrivateKey = SIGNING_KEY, kind: str = RELEASE) -> str:
    """Return what the platform signs of a release, as far as a worker's supervisor asks."""
    statement = {"predicateType": kind, "predicate": {"model": {"digest": model_digest}}}
    payload = json.dumps(statement).encode()
    header = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode()
    signature = {"keyid": TRUSTED["id"], "sig": base64.b64encode(key.sign(header + payload)).decode()}
    return json.dumps(
        {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
    )


def acts(*names: str) -> object:
    """Return a request to the awkward model."""
    return {"input_data": {"columns": ["act"], "data": [[name] for name in names]}}


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds`; fail naming `what` when it never does."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, f"never came true: {what}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether a process lives; one that is dead and unburied does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Give the models, made in an environment of their own by uv."""
    return make_models(tmp_path_factory.mktemp("models"))


def make_models(root: Path) -> Models:
    """Make the models in a folder, unless they are there; skip where their packages cannot be had."""
    made = Models(environment=root / "environment", folder=root / "made")
    if (root / "complete").exists():
        return made
    made.folder.mkdir(parents=True)
    uv, settings = find_uv_bin(), {**os.environ, **package_index()}
    commands: list[list[str]] = [
        [uv, "venv", "--quiet", "--python", sys.executable, str(made.environment)],
        [uv, "pip", "install", "--quiet", "--python", str(made.python), *PACKAGES],
        [str(made.python), str(Path(__file__).with_name("models.py")), str(made.folder)],
    ]
    for command in commands:
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0 and command[:2] == [uv, "pip"]:
            pytest.skip(f"the packages of a model cannot be installed here: {done.stderr[-500:]}")
        assert done.returncode == 0, done.stderr
    (root / "complete").touch()
    return made


@contextmanager
def _house(models: Models) -> Iterator[House]:
    root = Path(tempfile.mkdtemp(prefix="bucle-serving-"))
    house = House(root=root, models=models)
    try:
        house.plane.ensure()
        yield house
    finally:
        house.plane.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def house(models: Models) -> Iterator[House]:
    """Give a data plane of the test's own, with nothing routed."""
    with _house(models) as made:
        yield made


@pytest.fixture(scope="module")
def awkward_house(models: Models) -> Iterator[House]:
    """Give a data plane whose one endpoint, `awkward`, is served by the worker `w`; tests of a module share it."""
    with _house(models) as made:
        made.route(endpoint("awkward", models.worker("awkward", "w")))
        made.await_served("awkward", acts("a"))
        yield made


@pytest.fixture(scope="session")
def open_house(models: Models) -> Iterator[House]:
    """Give a data plane that tests share: `fuel`, `awkward`, `other` (another key), `empty` (no traffic), `down`."""
    with _house(models) as house:
        fuel = models.worker("fuel", "fuel-1")
        awkward = models.worker("awkward", "awkward-1")
        unloadable = models.worker("unloadable", "unloadable-1")
        house.route(
            endpoint("fuel", fuel),
            endpoint("awkward", awkward, timeout_ms=3000, most_in_flight=4),
            split("other", {}),
            split("empty", {}),
            endpoint("down", unloadable),
        )
        house.await_served("fuel")
        house.await_served("awkward", acts("a"))
        yield house


def kill(pid: int) -> None:
    """End a process as nobody wants it to."""
    os.kill(pid, signal.SIGKILL)
