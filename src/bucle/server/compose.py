"""Composes one installation: records, objects, keys, policy, launcher, engine, and the ports between them."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from uv import find_uv_bin

from bucle.access.keys import read_or_make_keys
from bucle.access.policy import Policy
from bucle.access.stages import list_stages
from bucle.config import Home, package_index
from bucle.core.classes import Tier
from bucle.core.ids import uuid7
from bucle.core.manifest import Manifest
from bucle.execution.engine import Engine, Ports
from bucle.execution.environments import find_with_uv
from bucle.execution.launcher import Starting
from bucle.execution.local import Ground, LocalLauncher
from bucle.execution.outputs import read_outputs
from bucle.execution.queue import Place
from bucle.ops.uploads import manifest_in
from bucle.ops.world import World
from bucle.runtime.spawning import Spawner
from bucle.server.first_run import first_run
from bucle.store.migrate import migrate
from bucle.store.objects import Objects
from bucle.store.records import Records

SLOTS = max(2, os.cpu_count() or 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything of one running server."""

    world: World
    engine: Engine
    spawner: Spawner
    hints: socket.socket

    def close(self) -> None:
        """End spawner and connections; supervisors and their jobs go on."""
        self.spawner.close()
        self.hints.close()
        self.world.records.close()


def compose(home: Home, api_port: Callable[[], int | None]) -> Installation:
    """Build the installation of a state folder whose lock is held: migrate, first run, engine ready to turn."""
    records = Records(f"sqlite:///{home.records}")
    migrate(records)
    home.records.chmod(0o600)
    keys = read_or_make_keys(home.keys)
    first_run(records, home, keys, now(), new_id)
    hints = _hint_socket()
    spawner = Spawner(notify=hints.getsockname(), log=home.log / "spawner.log")
    objects = Objects(root=home.objects)
    ground = Ground(
        home=home,
        objects=objects,
        isolation="auto",
        uv=find_uv_bin(),
        index=package_index(),
        tier_of=lambda stage: _tiers(records)[stage],
        manifest_of=lambda workspace, digest: _manifest(world, workspace, digest),
        find_python=find_with_uv(find_uv_bin()),
    )
    launcher = LocalLauncher(ground=ground, spawner=spawner, tracking_port=api_port)
    engine = Engine(
        records=records,
        launcher=launcher,
        ports=Ports(places=_places, variables=_no_variables, outputs=lambda done: read_outputs(done, launcher.work_of)),
        clock=now,
        new_id=new_id,
        hints=hints,
    )
    world = World(
        home=home,
        records=records,
        objects=objects,
        keys=keys,
        policy=Policy(),
        launcher=launcher,
        clock=now,
        new_id=new_id,
        random=secrets.token_bytes,
        wake=engine.wake,
    )
    return Installation(world=world, engine=engine, spawner=spawner, hints=hints)


def now() -> datetime:
    """Return the wall clock's instant, aware and in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new internal id."""
    return uuid7(now(), secrets.token_bytes(10))


def _hint_socket() -> socket.socket:
    # AF_UNIX paths hold 107 bytes at most, which state folders (and those of tests) often exceed.
    hints = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    folder = tempfile.mkdtemp(prefix="bucle-")
    hints.bind(str(Path(folder) / "n.sock"))
    return hints


def _tiers(records: Records) -> Mapping[str, Tier]:
    with records.read() as rows:
        return {stage.name: stage.tier for stage in list_stages(rows)}


def _places(rows: sa.Connection) -> Mapping[str, Place]:
    return {stage.name: Place(workspace=stage.workspace, slots=SLOTS) for stage in list_stages(rows)}


def _no_variables(_starting: Starting) -> Mapping[str, str]:
    return {}


def _manifest(world: World, workspace: str, digest: str) -> Manifest:
    found = manifest_in(world, workspace, digest)
    assert found is not None, "the job was refused at submission if its code was not there"
    return found
