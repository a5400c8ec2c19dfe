"""`python -m bucle.server.safekeeping`: what the operator does on the state folder itself, as a process of its own."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.config import Home, records_address
from bucle.server import refusals
from bucle.server.backup import take
from bucle.server.collecting import Garbage, collect, find
from bucle.server.compose import now
from bucle.server.disk import use_of
from bucle.server.drill import drill
from bucle.server.life import HomeLock
from bucle.server.records import address, hold, remember
from bucle.server.restore import restore
from bucle.server.upgrade import go_back, plan
from bucle.store import engines
from bucle.store.moving import move
from bucle.store.records import Records


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, write what was done to stdout as JSON; return the exit code of the CLI's catalogue."""
    parser = argparse.ArgumentParser(prog="python -m bucle.server.safekeeping")
    parser.add_argument("act", choices=sorted(ACTS))
    parser.add_argument("--folder", type=_folder)
    parser.add_argument("--home", type=_home)
    parser.add_argument("--secret-keys", action="store_true")
    parser.add_argument("--grace-s", type=float, default=0.0)
    asked = parser.parse_args(arguments)
    os.umask(0o077)
    began = time.monotonic()
    try:
        done = ACTS[asked.act](asked)
    except errors.BucleError as error:
        return refusals.say(error)
    print(json.dumps({**done, "took_s": round(time.monotonic() - began, 2)}))  # noqa: T201  read by the command line
    return 0


def _folder(text: str) -> Path:
    return Path(text).resolve()


def _home(text: str) -> Home:
    return Home(root=_folder(text))


def _backup(asked: argparse.Namespace) -> dict[str, Any]:
    home: Home = asked.home
    taken = take(home, asked.folder, secret_keys=asked.secret_keys)
    made = taken.backup
    return {
        "folder": str(asked.folder),
        "taken_at": made.taken_at,
        "rows": made.rows,
        "files": len(made.files),
        "bytes": made.size,
        "manifest": taken.digest,
        "outside": list(taken.outside),
        "secret_keys": home.secret_keys.name in made.files,
    }


def _restore(asked: argparse.Namespace) -> dict[str, Any]:
    home: Home | None = asked.home
    if home is None:
        raise errors.BadRequest("backup.no_home")
    done = restore(asked.folder, home, records_address())
    return {
        "home": str(home.root),
        "taken_at": done.backup.taken_at,
        "rows": done.backup.rows,
        "files": len(done.backup.files),
        "bytes": done.backup.size,
        "environments": done.built,
        "not_built": list(done.not_built),
        "outside": list(done.outside),
        "secrets": done.secrets,
        "secret_keys": home.secret_keys.exists(),
    }


def _drill(asked: argparse.Namespace) -> dict[str, Any]:
    checks = [check.document() for check in drill(asked.folder)]
    return {"folder": str(asked.folder), "ok": all(check["ok"] for check in checks), "checks": checks}


def _move(asked: argparse.Namespace) -> dict[str, Any]:
    """Move the records of a stopped server to `BUCLE_RECORDS`, and keep the address."""
    wanted = records_address()
    if wanted is None:
        raise errors.BadRequest("store.not_an_address", url="nothing")
    url = engines.normal(wanted)
    with (
        HomeLock(asked.home),
        closing(Records(address(asked.home, None))) as source,
        closing(Records(url)) as target,
    ):
        tables = move(source, target)
        remember(asked.home, url)
    return {"tables": [asdict(table) for table in tables]}


def _upgrade(asked: argparse.Namespace) -> dict[str, Any]:
    with HomeLock(asked.home), closing(hold(asked.home, None)) as held:
        done = held.upgraded
    return {"upgraded": done is not None, **(asdict(done) if done else {})}


def _upgrade_plan(asked: argparse.Namespace) -> dict[str, Any]:
    made = plan(asked.home, _records_of(asked.home), now())
    return {
        **asdict(made),
        "revisions": [{"number": one.number, "says": one.says} for one in made.revisions],
    }


def _upgrade_back(asked: argparse.Namespace) -> dict[str, Any]:
    with HomeLock(asked.home):
        return asdict(go_back(asked.home))


def _collect(asked: argparse.Namespace) -> dict[str, Any]:
    return _garbage(asked, collect)


def _collect_plan(asked: argparse.Namespace) -> dict[str, Any]:
    return _garbage(asked, find)


def _garbage(
    asked: argparse.Namespace, act: Callable[[Home, str, datetime, timedelta], Sequence[Garbage]]
) -> dict[str, Any]:
    found = act(asked.home, _records_of(asked.home), now(), timedelta(seconds=asked.grace_s))
    by: dict[tuple[str, str], list[int]] = {}
    for one in found:
        by.setdefault((one.workspace or "-", one.kind), []).append(one.size)
    rows = [
        {"workspace": workspace, "kind": kind, "count": len(sizes), "bytes": sum(sizes)}
        for (workspace, kind), sizes in sorted(by.items())
    ]
    return {"count": len(found), "bytes": sum(one.size for one in found), "value": rows}


def _disk(asked: argparse.Namespace) -> dict[str, Any]:
    rows = use_of(asked.home, _records_of(asked.home))
    return {"bytes": sum(row["bytes"] for row in rows), "value": list(rows)}


def _records_of(home: Home) -> str:
    """Return the address of the records of a state folder; NotFound where it holds none."""
    url = address(home, None)
    if url.startswith("sqlite") and not home.records.exists():
        raise errors.NotFound("backup.no_records", home=home.root)
    return url


ACTS: Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "backup": _backup,
    "restore": _restore,
    "drill": _drill,
    "move": _move,
    "upgrade": _upgrade,
    "upgrade-plan": _upgrade_plan,
    "upgrade-back": _upgrade_back,
    "gc": _collect,
    "gc-plan": _collect_plan,
    "disk": _disk,
}


if __name__ == "__main__":
    sys.exit(main())
