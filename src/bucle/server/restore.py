"""A backup made a state folder again, elsewhere: verified, laid out, its records brought to the newest schema."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from secrets import token_hex

from uv import find_uv_bin

from bucle import errors
from bucle.access import stage_secrets
from bucle.config import Home, interpreter_folders, package_index
from bucle.execution.environments import installed, interpreter
from bucle.runtime import environment_build
from bucle.server.backup_files import Backup, Copying, records_of, refuse_used, verified
from bucle.server.life import make_home
from bucle.server.records import remember
from bucle.store import engines
from bucle.store.migrate import migrate
from bucle.store.moving import move
from bucle.store.records import Records
from bucle.store.relocating import outside, relocate

BUILT = "environment.json"
"""The file that says an environment is built: in a backup it was, in a restored folder it is not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: folders that lie elsewhere, environments not built again, secrets that need their keys."""

    backup: Backup
    outside: Sequence[str]
    built: int
    not_built: Sequence[str]
    secrets: int


def restore(folder: Path, home: Home, url: str | None) -> Restored:
    """Make a backup the state folder `home`, its records in `url` where one is given; nothing of it is left half done.

    BadRequest when the backup is not whole, Conflict when the folder or the database holds something already, or when
    the records were written by a newer bucle.
    """
    refuse_used(home.root, "backup.used_home")
    made = verified(folder)
    with _draft_of(home) as draft:
        lay_out(folder, made, draft, final=home, link=False)
        with closing(Records(records_of(draft.root))) as records:
            with records.read() as rows:
                elsewhere = list(outside(rows, str(home.root)))
                sealed = len(stage_secrets.every(rows))
            if url is not None:
                with closing(Records(url)) as target:
                    move(records, target)
        if url is not None:
            draft.records.unlink()
            remember(draft, engines.normal(url))
        draft.root.replace(home.root)
    places = sorted(_built_before(made))
    failed = [place for place in places if not _built_again(home, place)]
    return Restored(backup=made, outside=elsewhere, built=len(places) - len(failed), not_built=failed, secrets=sealed)


def lay_out(folder: Path, made: Backup, draft: Home, *, final: Home, link: bool) -> None:
    """Lay the files of a verified backup out in `draft`, its records telling the paths of `final`."""
    make_home(draft)
    copying = Copying(target=draft.root, link=link)
    for name, kept in made.files.items():
        if PurePosixPath(name).name != BUILT or not name.startswith("environments/"):
            copying.take(folder / name, name)
            if not link:  # a backup may have been carried here by something that keeps no modes
                (draft.root / name).chmod(kept.mode)
    with closing(Records(records_of(draft.root))) as records:
        migrate(records)
        with records.engine.begin() as rows:
            relocate(rows, made.home, str(final.root))
    draft.records.chmod(0o600)
    copying.settle()


@contextmanager
def _draft_of(home: Home) -> Iterator[Home]:
    draft = home.root.with_name(f".{home.root.name}.{token_hex(4)}")
    try:
        yield Home(root=draft)
    except OSError as fault:
        raise errors.PlatformFault("backup.not_restored", home=home.root, why=fault.strerror or fault) from fault
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _built_before(made: Backup) -> Iterator[str]:
    for name in made.files:
        place = PurePosixPath(name)
        if place.parts[0] == "environments" and place.name == BUILT:
            yield str(place.parent)


def _built_again(home: Home, place: str) -> bool:
    """Build an environment from its lock, the same bytes by their hashes; wheels only, so nothing of it runs."""
    target = home.root / place
    uv = find_uv_bin()
    asked = json.loads((target / "ask.json").read_bytes())["python"]
    try:
        python = interpreter(asked, lambda: installed(uv, interpreter_folders()))
    except errors.BadRequest:
        return False
    command = [sys.executable, "-I", "-S", str(environment_build.__file__), uv, str(target), str(python)]
    settings = {"UV_CACHE_DIR": str(target.parent / "cache"), "UV_PYTHON_DOWNLOADS": "never"}
    with (home.log / "restore.log").open("ab") as log:
        done = subprocess.run(
            command, env={**package_index(), **settings}, stdout=log, stderr=log, cwd=target, check=False
        )
    return done.returncode == 0
