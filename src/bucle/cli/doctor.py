"""`bucle doctor`: what this host and this installation can and cannot hold, found out by doing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from bucle import config, errors
from bucle.cli.render import output_options, show
from bucle.cli.session import connect
from bucle.cli.starting import finding, server_rows
from bucle.config import Home

LEAST_FREE_BYTES = 1 << 30
STAY_OPEN_IN_AUTO = frozenset({"19", "21", "22", "23", "24"})
"""The numbers of the acts that Landlock does not know: path sockets, UDP, chmod, stat, listing descriptors."""


@click.command()
@click.option("--home", default=None, help="State folder.")
@click.option("--isolation", is_flag=True, help="Try the 28 hostile acts in every mode, and show what became of each.")
@output_options
def doctor(home: str | None, output: str | None, query: str | None, *, isolation: bool) -> int:
    """Try what protects this installation; leave with 7 when something that should hold does not."""
    if isolation:
        return _show_acts(output, query)
    place = config.find_home(home)
    rows = [*_isolation(), _permissions(place), *_key_files(place), _disk(place)]
    found = [*rows, *server_rows(place), *_rights(place)]
    show(found, output, query, ("check", "verdict", "detail"))
    return 7 if any(row["verdict"] == "fail" for row in found) else 0


def _show_acts(output: str | None, query: str | None) -> int:
    host, acts = _probe()
    modes = [mode for mode in ("none", "auto", "strict") if mode in host["modes"]]
    rows = [{**act, "verdict": _verdict(act)} for act in acts]
    show(rows, output, query, ("act", "plain", *modes, "verdict"))
    return 0 if "auto" in modes and all(row["verdict"] != "fail" for row in rows) else 7


def _probe(*modes: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return what this host has, and what became of each hostile act as a plain process and in each mode."""
    done = subprocess.run(
        [sys.executable, "-m", "bucle.runtime.probe", *modes], capture_output=True, text=True, check=False, timeout=300
    )
    host, *acts = (json.loads(line) for line in done.stdout.splitlines())
    return host, acts


def _verdict(act: Mapping[str, str]) -> str:
    """Judge one act: only what a plain process can do shows what walls are worth."""
    if "broken" in act.values():
        return "fail"
    if act["plain"] != "open":
        return "refused by this host to everybody"
    known = act["act"].partition(" ")[0] in STAY_OPEN_IN_AUTO
    if act.get("strict") == "open" or (act.get("auto") == "open" and not known):
        return "fail"
    return "open in auto; strict stops it" if act.get("auto") == "open" else "ok"


def _isolation() -> list[dict[str, str]]:
    host, acts = _probe("auto")
    if "auto" not in host["modes"]:
        why = "this kernel has no Landlock: jobs cannot be confined, and are refused"
        return [finding("isolation", "fail", why)]
    verdicts = {act["act"]: _verdict(act) for act in acts}
    failed = [act for act, verdict in verdicts.items() if verdict == "fail"]
    known = [act for act, verdict in verdicts.items() if verdict.startswith("open")]
    strict = "isolation: strict stops them" if "strict" in host["modes"] else "isolation: strict needs bubblewrap"
    stopped = f"Landlock ABI {host['landlock_abi']}: {len(acts) - len(failed) - len(known)} hostile acts stopped"
    return [
        finding("isolation", "ok", stopped),
        *(finding("isolation", "open", f"{act}: Landlock does not know it; {strict}") for act in known),
        *(finding("isolation", "fail", f"{act}: not stopped; see bucle doctor --isolation") for act in failed),
    ]


def _permissions(place: Home) -> dict[str, str]:
    if not place.root.exists():
        return finding("state folder", "ok", f"{place.root} does not exist yet; `bucle up` makes it")
    if config.open_to_others(place.root):
        return finding("state folder", "fail", f"{place.root} can be read by others; run: chmod 700 {place.root}")
    return finding("state folder", "ok", f"{place.root} is its owner's alone")


def _key_files(place: Home) -> list[dict[str, str]]:
    files = [file for file in (place.keys, place.admin_token, place.secret_keys, place.signing_keys) if file.exists()]
    loose = [file for file in files if config.open_to_others(file)]
    rows = [finding("key file", "fail", f"{file} can be read by others; run: chmod 600 {file}") for file in loose]
    return rows or [finding("key file", "ok", f"{len(files)} files are their owner's alone")]


def _disk(place: Home) -> dict[str, str]:
    existing = next(path for path in (place.root, *place.root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return finding("disk", "ok" if free >= LEAST_FREE_BYTES else "fail", f"{free / 1e9:.1f} GB free at {existing}")


def _rights(place: Home) -> Iterator[dict[str, str]]:
    """Name bindings that were not needed for 90 days, where a server runs and whoever asks may see them."""
    try:
        with connect(None, str(place.root)) as client:
            for one in client.binding.idle():
                what = f"{one['role']} of {one['principal']} at {one['scope']}: nothing was done with it for 90 days"
                yield finding("rights", "wide", f"{what}; `bucle binding delete {one['id']}` takes it away")
    except errors.BucleError:
        return
