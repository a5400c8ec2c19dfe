"""A drill: a backup restored into a scratch folder, served from there, asked, compared with what it holds, removed.

Nothing of the platform turns in it: no job runs, no schedule fires, no worker starts.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

from bucle import errors
from bucle.access import policy, tokens
from bucle.access.stages import list_stages
from bucle.client import Client
from bucle.config import Home
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Binding, Principal
from bucle.ops.can import matrix_of
from bucle.ops.world import World
from bucle.server.app import build_application
from bucle.server.backup_files import Backup, records_of, verified
from bucle.server.backup_references import Found, find_models, find_named
from bucle.server.compose import HOST, Installation, compose
from bucle.server.life import listen
from bucle.server.network import SETTINGS
from bucle.server.restore import lay_out
from bucle.store.migrate import migrate
from bucle.store.records import Records

READY_S = 30.0
LOOK_S = 0.02
LIFETIME = timedelta(hours=1)
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: how much of it, and what was wrong with it (nothing: well)."""

    name: str
    looked_at: str
    wrong: Sequence[str]
    took_s: float

    def document(self) -> dict[str, Any]:
        """Return the check as plain JSON."""
        return {
            "check": self.name,
            "ok": not self.wrong,
            "looked_at": self.looked_at,
            "wrong": list(self.wrong[:MOST_SHOWN]),
            "took_s": round(self.took_s, 2),
        }


def drill(folder: Path) -> list[Check]:
    """Restore a backup where it hurts nobody and return what was found; BadRequest when it is not whole."""
    checks: list[Check] = []
    began = time.monotonic()
    made = verified(folder)
    checks.append(_check("files", f"{len(made.files)} files, {made.size} bytes", (), began))
    with _scratch_beside(folder) as scratch:
        home = Home(root=scratch / "home")
        began = time.monotonic()
        lay_out(folder, made, home, final=home, link=True)
        checks.append(_check("restored", f"{made.rows} rows", (), began))
        with (
            closing(Records(_pristine(folder, scratch))) as pristine,
            closing(Records(records_of(home.root))) as records,
        ):
            checks += _kept(folder, made, pristine)
            with _serving(home, records) as (world, client):
                checks += _asked(world, client, pristine)
    return checks


def _kept(folder: Path, made: Backup, pristine: Records) -> Iterator[Check]:
    """Look whether everything that the records name is among the files."""
    looks: Sequence[tuple[str, Callable[[sa.Connection, Path, Backup], Found]]] = (
        ("objects and folders", find_named),
        ("models of deployments", find_models),
    )
    for name, look in looks:
        began = time.monotonic()
        with pristine.read() as rows:
            found = look(rows, folder, made)
        yield _check(name, f"{found.looked_at} named", found.wrong, began)


def _asked(world: World, client: Client, pristine: Records) -> Iterator[Check]:
    """Ask the server that was started on the restored folder."""
    began = time.monotonic()
    audit = client.audit.verify()
    broken = [f"{one['chain']} at {one['broken_at']}: {one['why']}" for one in audit["chains"] if one["why"]]
    lines = sum(one["lines"] for one in audit["chains"])
    yield _check("audit", f"{len(audit['chains'])} chains, {lines} lines", broken, began)
    began = time.monotonic()
    with pristine.read() as rows:
        snapshot = policy.read_snapshot(rows)
        stages = [stage.name for stage in list_stages(rows)]
    differ = []
    for stage in stages:
        served = client.can.matrix(stage)
        others = [row for row in served["rows"] if row["principal"] != _name(world)]
        if {**served, "rows": others} != matrix_of(snapshot, stage, world.clock()):
            differ.append(f"who may do what in {stage} is not what the backup says")
    yield _check("rights", f"{len(stages)} stages, {len(snapshot.principals)} principals", differ, began)


@contextmanager
def _serving(home: Home, records: Records) -> Iterator[tuple[World, Client]]:
    """Serve a home over HTTP without engine, clock or data plane; give a client that may read rights and audit."""
    with listen(HOST, 0) as listener:
        port: int = listener.getsockname()[1]
        installation = compose(home, records, lambda: port)
        server = uvicorn.Server(uvicorn.Config(build_application(installation.world), **SETTINGS))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="drill")
        thread.start()
        try:
            with Client(f"http://{HOST}:{port}", _token(installation)) as client:
                _await(server)
                client.platform.status()
                yield installation.world, client
        finally:
            server.should_exit = True
            thread.join()
            installation.close()


def _token(installation: Installation) -> str:
    """Return a token of an auditor who is made in the scratch records, and goes with them."""
    world = installation.world
    person = world.new_id()
    with world.records.write(world.clock()) as transaction:
        auditor = Principal(id=person, name=_name(world), person_id=person, kind="service")
        policy.add_principal(transaction, auditor)
        binding = Binding(id=world.new_id(), principal_id=person, role="Auditor", scope=parse_scope("/"))
        policy.add_binding(transaction, binding, made_by="drill")
        return tokens.mint(transaction, world.keys, person, purpose="api", lifetime=LIFETIME).text


def _name(world: World) -> str:
    return f"drill of {world.home.root.parent.name}"


def _await(server: uvicorn.Server) -> None:
    until = time.monotonic() + READY_S
    while not server.started:
        if time.monotonic() > until:
            raise errors.WorkFailed("backup.drill_failed", why=f"no server was ready within {READY_S:.0f} s")
        time.sleep(LOOK_S)


def _pristine(folder: Path, scratch: Path) -> str:
    """Return the address of a copy of the backup's records that nothing has been written to but newer tables."""
    shutil.copyfile(Home(root=folder).records, Home(root=scratch).records)
    with closing(Records(records_of(scratch))) as records:
        migrate(records)
    return records_of(scratch)


@contextmanager
def _scratch_beside(folder: Path) -> Iterator[Path]:
    """Give a folder on the file system of the backup, where its files can be linked; else one of the system's."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".drill-", dir=folder.parent))
    except OSError:
        scratch = Path(tempfile.mkdtemp(prefix="bucle-drill-"))
    try:
        yield scratch
    except OSError as fault:
        raise errors.PlatformFault("backup.not_restored", home=scratch, why=fault.strerror or fault) from fault
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check(name: str, looked_at: str, wrong: Sequence[str], began: float) -> Check:
    return Check(name=name, looked_at=looked_at, wrong=wrong, took_s=time.monotonic() - began)
