"""What isolation holds on this host, found out by doing: the 28 hostile acts in a throw-away folder.

`python -m bucle.runtime.probe [MODE …]` tries each act as a plain process and as an attempt of each mode, and writes
JSON lines: first what this host has, then one an act: its name, and what became of it by mode.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bucle.runtime import folder, isolation
from bucle.runtime.acts import ACTS, DONE, SECRET, SECRET_VARIABLE, STOPPED, command, server_command
from bucle.runtime.attempt import AttemptSpec, Exit, Isolation, Mode
from bucle.runtime.isolation import RefusedError
from bucle.runtime.landlock import landlock_abi
from bucle.runtime.spawning import Spawner

Fate = Literal["open", "stopped", "broken"]
MODES: tuple[Mode, ...] = ("none", "auto", "strict")
_PATIENCE_S = 30.0
_FILES = ("rows", "records.db", "key", ".bashrc")
_FATES: Mapping[int | None, Fate] = {DONE: "open", STOPPED: "stopped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where acts are tried: a folder of ours, who plays the server there, who starts attempts."""

    root: Path
    server: Mapping[str, str | int]
    python: str
    spawner: Spawner


def available() -> tuple[Mode, ...]:
    """Return the modes that this host can give."""
    found: list[Mode] = []
    for mode in MODES:
        try:
            isolation.check(Isolation(mode=mode), sealed=())
        except RefusedError:
            continue
        found.append(mode)
    return tuple(found)


def probe(modes: Sequence[Mode]) -> Iterator[dict[str, str]]:
    """Yield each act's name with its fate as a `plain` process, and as an attempt of each of `modes`."""
    with (
        tempfile.TemporaryDirectory(prefix="bucle-probe-", ignore_cleanup_errors=True) as made,
        _ground(made) as ground,
    ):
        for number, act in enumerate(ACTS):
            fates: dict[str, str] = {mode: _as_attempt(ground, act, mode, f"{number}-{mode}") for mode in modes}
            yield {"act": act, "plain": _as_child(ground, act, f"{number}-plain"), **fates}


@contextmanager
def _ground(made: str) -> Iterator[Ground]:
    root, python = Path(made), os.path.realpath(sys.executable)
    name = f"bucle-probe-{secrets.token_hex(8)}"
    (root / "cwd").mkdir()
    (root / "cwd" / "rows").write_text(SECRET, encoding="utf-8")
    argv = server_command(python, name, str(root / "s"))
    with (
        subprocess.Popen(argv, cwd=root / "cwd", stdout=subprocess.PIPE, text=True) as server,
        Spawner(notify=str(root / "nobody"), log=root / "spawner.log") as spawner,
    ):
        assert server.stdout is not None
        tcp, udp = map(int, server.stdout.readline().split())
        known: dict[str, str | int] = {"server": server.pid, "name": name, "closed": tcp, "udp": udp}
        yield Ground(root=root, server=known, python=python, spawner=spawner)
        server.kill()


def _lay_out(ground: Ground, name: str) -> dict[str, str | int]:
    """Lay out an untouched scene; one act may spoil it."""
    parts = {part: ground.root / name / part for part in ("stage", "own", "environment", "inputs")}
    for part in parts.values():
        part.mkdir(parents=True)
    for file in (*(parts["stage"] / one for one in _FILES), parts["environment"] / "module.py"):
        file.write_text(SECRET, encoding="utf-8")
    os.link(parts["stage"] / "rows", parts["inputs"] / "linked")
    os.link(ground.root / "s", parts["stage"] / "s")
    return {**ground.server, **{part: str(path) for part, path in parts.items()}}


def _as_child(ground: Ground, act: str, name: str) -> Fate:
    """Try an act as a plain child that inherits what a careless parent passes on."""
    argv = command(ground.python, act, _lay_out(ground, name))
    with (ground.root / "cwd" / "rows").open() as inherited:
        done = subprocess.run(
            argv,
            env={SECRET_VARIABLE: SECRET},
            pass_fds=[inherited.fileno()],
            capture_output=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    return _FATES.get(done.returncode, "broken")


def _as_attempt(ground: Ground, act: str, mode: Mode, name: str) -> Fate:
    scene = _lay_out(ground, name)
    prefix = str(Path(ground.python).parents[1])
    read = (str(scene["environment"]), str(scene["inputs"]), *(() if prefix == "/usr" else (prefix,)))
    spec = AttemptSpec(
        argv=command(ground.python, act, scene),
        env={},
        cwd=str(scene["own"]),
        isolation=Isolation(mode=mode, read=read, write=(str(scene["own"]),)),
        timeout_s=_PATIENCE_S,
    )
    place = ground.root / f"{name}-attempt"
    folder.write_spec(place, spec)
    ground.spawner.spawn(place)
    give_up_at = time.monotonic() + 2 * _PATIENCE_S
    while time.monotonic() < give_up_at:
        found = folder.probe(place)
        if isinstance(found, Exit):
            return _FATES.get(found.rc, "broken")
        time.sleep(0.005)
    return "broken"


def main(wanted: Sequence[str]) -> None:
    """Write what was found in the `wanted` modes, or in all that this host has."""
    modes = available()
    print(json.dumps({"landlock_abi": landlock_abi(), "modes": modes}), flush=True)
    for found in probe([mode for mode in modes if not wanted or mode in wanted]):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
