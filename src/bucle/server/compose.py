"""Composes one installation: records, objects, keys, policy, launcher, engine, and the ports between them."""

import json
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import sqlalchemy as sa
from uv import find_uv_bin

from bucle import __version__
from bucle.access.keys import read_or_make_keys
from bucle.access.policy import Policy
from bucle.access.secret_keys import SecretKeys
from bucle.access.settings import read_settings
from bucle.access.signing import Signing
from bucle.access.stages import find_stage, list_stages
from bucle.config import Home, interpreter_folders, package_index, secrets_keys
from bucle.core.classes import Tier
from bucle.core.ids import uuid7
from bucle.core.manifest import Manifest
from bucle.execution.engine import Engine, Ports
from bucle.execution.environments import installed
from bucle.execution.local import Ground, LocalLauncher, base_of
from bucle.execution.outputs import read_outputs
from bucle.ops import job_run, secret
from bucle.ops.places import places_of
from bucle.ops.signing import sign_older
from bucle.ops.uploads import manifest_in
from bucle.ops.world import Tools, World
from bucle.release import releases
from bucle.runtime import hints
from bucle.runtime.attempt import Mode
from bucle.runtime.landlock import landlock_abi
from bucle.runtime.spawning import Spawner
from bucle.server.first_run import first_run
from bucle.serving.deployments import Deployment
from bucle.serving.endpoints import Endpoint
from bucle.serving.processes import DataPlane, running
from bucle.serving.routes import Place as ServedPlace
from bucle.serving.routes import Routes
from bucle.store.objects import Objects, hex_of
from bucle.store.records import Records

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything of one running server."""

    world: World
    engine: Engine
    spawner: Spawner
    hints: socket.socket
    plane: DataPlane

    def close(self) -> None:
        """End the spawner; supervisors and their jobs go on."""
        self.spawner.close()
        self.hints.close()


def compose(home: Home, records: Records, api_port: Callable[[], int | None], scoring_port: int = 0) -> Installation:
    """Build the installation of a state folder and its records, both held: first run, engine ready to turn."""
    keys = read_or_make_keys(home.keys)
    first_run(records, home, keys, now(), new_id)
    listener = hints.listen()
    spawner = Spawner(notify=hints.name_of(listener), log=home.log / "spawner.log")
    objects = Objects(root=home.objects)
    pythons = cache(lambda: installed(find_uv_bin(), interpreter_folders()))
    ground = _ground(home, records, objects, pythons, lambda *named: _manifest(world, *named))
    launcher = LocalLauncher(ground=ground, spawner=spawner, tracking_port=api_port)
    engine = Engine(
        records=records,
        launcher=launcher,
        ports=Ports(
            places=places_of,
            variables=lambda starting: job_run.variables(world, lambda: _address(api_port), starting),
            secrets=lambda starting: secret.given_to(world, starting),
            outputs=lambda done: read_outputs(done, launcher.work_of),
            settle=job_run.settle,
        ),
        clock=now,
        new_id=new_id,
        hints=listener,
    )
    world = World(
        home=home,
        records=records,
        objects=objects,
        keys=keys,
        policy=Policy(),
        launcher=launcher,
        routes=Routes(
            folder=home.gateway,
            records=records,
            derive=keys.hmac,
            place_of=lambda rows, endpoint, deployment: _place_of(world, rows, endpoint, deployment),
        ),
        pythons=pythons,
        scoring_address=lambda: _scoring_address(home),
        tools=Tools(package_model=str(files("bucle.runtime") / "package_model.py")),
        clock=now,
        new_id=new_id,
        random=secrets.token_bytes,
        wake=lambda: _wake(home, engine),
        secret_keys=SecretKeys(file=home.secret_keys, given=secrets_keys()),
        signing=Signing(private=home.signing_keys, trusted=home.trusted_keys),
    )
    if world.signing.prepare():
        sign_older(world)
    plane = data_plane(home, scoring_port)
    return Installation(world=world, engine=engine, spawner=spawner, hints=listener, plane=plane)


def _ground(
    home: Home,
    records: Records,
    objects: Objects,
    pythons: Callable[[], Mapping[str, str]],
    manifest_of: Callable[[str, str], Manifest],
) -> Ground:
    return Ground(
        home=home,
        objects=objects,
        isolation=lambda: _isolation_now(records),
        uv=find_uv_bin(),
        index=package_index(),
        tier_of=lambda stage: _tiers(records)[stage],
        manifest_of=manifest_of,
        pythons=pythons,
    )


def data_plane(home: Home, scoring_port: int) -> DataPlane:
    """Return gateway and keeper of a state folder; they run whether or not a server does."""
    return DataPlane(folder=home.gateway, log=home.log, host=HOST, port=scoring_port, version=__version__)


def now() -> datetime:
    """Return the wall clock's instant, aware and in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new internal id."""
    return uuid7(now(), secrets.token_bytes(10))


def _wake(home: Home, engine: Engine) -> None:
    """Wake the engine that turns: this server's, or that of the server that drives."""
    engine.wake()
    with suppress(OSError, ValueError, KeyError):
        hints.send(json.loads(home.driver.read_bytes())["hints"])


def _tiers(records: Records) -> Mapping[str, Tier]:
    with records.read() as rows:
        return {stage.name: stage.tier for stage in list_stages(rows)}


def _address(api_port: Callable[[], int | None]) -> str | None:
    port = api_port()
    return None if port is None else f"http://{HOST}:{port}"


def _scoring_address(home: Home) -> str | None:
    gateway = running(home.gateway, "gateway")
    return None if gateway is None else f"http://{HOST}:{gateway.port}"


def _place_of(world: World, rows: sa.Connection, endpoint: Endpoint, deployment: Deployment) -> ServedPlace | None:
    """Return where a deployment's environment and model lie; None while the environment is not built."""
    built = world.environments(find_stage(rows, endpoint.stage).tier).find(deployment.environment)
    if built is None:
        return None
    release = releases.of_digest(rows, deployment.release_digest)
    return ServedPlace(
        python=built.python,
        read=(built.folder / "venv", *base_of(built.python)),
        lock=built.folder / "lock.txt",
        lock_digest=built.lock_digest,
        model=world.models / endpoint.stage / hex_of(deployment.model_digest),
        statement="" if release is None else release.statement or "",
        isolation=_isolation(rows),
    )


def _isolation(rows: sa.Connection) -> Mode:
    """Return how user code is confined: what the platform file says, as far as this host can."""
    said = read_settings(rows).isolation
    if said == "auto-or-none":
        return "auto" if landlock_abi() else "none"
    return "strict" if said == "strict" else "auto"


def _isolation_now(records: Records) -> Mode:
    with records.read() as rows:
        return _isolation(rows)


def _manifest(world: World, workspace: str, digest: str) -> Manifest:
    found = manifest_in(world, workspace, digest)
    assert found is not None, "the job was refused at submission if its code was not there"
    return found
