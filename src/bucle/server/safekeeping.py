"""`python -m bucle.server.safekeeping`: back up, restore or drill, as a process of its own beside any server."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.config import Home, records_address
from bucle.server.backup import take
from bucle.server.drill import drill
from bucle.server.restore import restore


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, write what was done to stdout as JSON; return the exit code of the CLI's catalogue."""
    parser = argparse.ArgumentParser(prog="python -m bucle.server.safekeeping")
    parser.add_argument("act", choices=("backup", "restore", "drill"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--secret-keys", action="store_true")
    asked = parser.parse_args(arguments)
    os.umask(0o077)
    began = time.monotonic()
    try:
        home = asked.home and Home(root=asked.home.resolve())
        done = _done(asked.act, asked.folder.resolve(), home, secret_keys=asked.secret_keys)
    except errors.BucleError as error:
        print(f"{type(error).__name__}\t{error.code}\t{error.detail}\t{error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    print(json.dumps({**done, "took_s": round(time.monotonic() - began, 2)}))  # noqa: T201  read by the command line
    return 0


def _done(act: str, folder: Path, home: Home | None, *, secret_keys: bool) -> dict[str, Any]:
    if act == "drill":
        checks = [check.document() for check in drill(folder)]
        return {"folder": str(folder), "ok": all(check["ok"] for check in checks), "checks": checks}
    if home is None:
        raise errors.BadRequest("backup.no_home")
    return _taken(folder, home, secret_keys=secret_keys) if act == "backup" else _restored(folder, home)


def _taken(folder: Path, home: Home, *, secret_keys: bool) -> dict[str, Any]:
    taken = take(home, folder, secret_keys=secret_keys)
    made = taken.backup
    return {
        "folder": str(folder),
        "taken_at": made.taken_at,
        "rows": made.rows,
        "files": len(made.files),
        "bytes": made.size,
        "manifest": taken.digest,
        "outside": list(taken.outside),
        "secret_keys": home.secret_keys.name in made.files,
    }


def _restored(folder: Path, home: Home) -> dict[str, Any]:
    done = restore(folder, home, records_address())
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


if __name__ == "__main__":
    sys.exit(main())
