"""`bucle doctor`: what this host and this installation can and cannot hold, found out by doing."""

import json
import shutil
import stat
import subprocess
import sys

import click

from bucle import config, errors
from bucle.cli.render import output_options, show
from bucle.cli.session import running_address
from bucle.config import Home

LEAST_FREE_BYTES = 1 << 30


@click.command()
@click.option("--home", default=None, help="State folder.")
@output_options
def doctor(home: str | None, output: str | None, query: str | None) -> int:
    """Try what protects this installation; leave with 7 when something that should hold does not."""
    place = config.find_home(home)
    found = [*_isolation(), _permissions(place), *_key_files(place), _disk(place), _server(place)]
    show(found, output, query, ("check", "verdict", "detail"))
    return 7 if any(row["verdict"] == "fail" for row in found) else 0


def _isolation() -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "bucle.runtime.probe"], capture_output=True, text=True, check=False, timeout=300
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if not rows or rows[0].get("landlock_abi", 0) == 0:
        why = "this kernel has no Landlock: jobs cannot be confined, and are refused"
        return [_row("isolation", "fail", why)]
    acts = [
        _row(
            f"isolation: {row['act']}",
            "ok" if row["stopped"] else "fail",
            "stopped by the kernel" if row["stopped"] else "open",
        )
        for row in rows[1:]
    ]
    return [_row("isolation", "ok", f"Landlock ABI {rows[0]['landlock_abi']}"), *acts]


def _permissions(place: Home) -> dict[str, str]:
    if not place.root.exists():
        return _row("state folder", "ok", f"{place.root} does not exist yet; `bucle up` makes it")
    mode = stat.S_IMODE(place.root.stat().st_mode)
    if mode & 0o077:
        return _row("state folder", "fail", f"{place.root} can be read by others; run: chmod 700 {place.root}")
    return _row("state folder", "ok", f"{place.root} is its owner's alone")


def _key_files(place: Home) -> list[dict[str, str]]:
    files = [file for file in (place.keys, place.admin_token, place.secret_keys, place.signing_keys) if file.exists()]
    loose = [file for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
    rows = [_row("key file", "fail", f"{file} can be read by others; run: chmod 600 {file}") for file in loose]
    return rows or [_row("key file", "ok", f"{len(files)} files are their owner's alone")]


def _disk(place: Home) -> dict[str, str]:
    existing = next(path for path in (place.root, *place.root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return _row("disk", "ok" if free >= LEAST_FREE_BYTES else "fail", f"{free / 1e9:.1f} GB free at {existing}")


def _server(place: Home) -> dict[str, str]:
    try:
        return _row("server", "ok", f"runs at {running_address(place)}")
    except errors.PlatformFault:
        return _row("server", "ok", "does not run; `bucle up` starts it")


def _row(check: str, verdict: str, detail: str) -> dict[str, str]:
    return {"check": check, "verdict": verdict, "detail": detail}
