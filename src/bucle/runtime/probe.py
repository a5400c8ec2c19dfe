"""What isolation holds on this host, found out by doing: hostile acts in a throw-away folder.

`python -m bucle.runtime.probe` tries each act without walls first, and writes one JSON line an act: its name, whether
it works without walls (the control), whether the walls stop it.
"""

import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bucle.runtime import folder
from bucle.runtime.attempt import AttemptSpec, Exit, Isolation, Mode
from bucle.runtime.landlock import landlock_abi
from bucle.runtime.spawning import Spawner

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One hostile act as a shell command that exits 0 when it succeeded."""

    name: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of an act: `control` says that it works without walls, `stopped` that the walls stop it."""

    act: str
    control: bool
    stopped: bool


def acts(place: Path, port: int) -> Iterator[Act]:
    """Yield the acts against a folder that belongs to another stage, and a port that no job may call."""
    secret = place / "rows.csv"
    yield Act(name="read a file of another stage", command=f"cat {secret}")
    yield Act(name="list a folder of another stage", command=f"ls {place}")
    yield Act(name="overwrite a file of another stage", command=f"echo x >> {secret}")
    yield Act(name="read it through a symbolic link", command=f"ln -s {secret} link && cat link")
    yield Act(name="read it through /proc/self/root", command=f"cat /proc/self/root{secret}")
    yield Act(name="connect to an unlisted port", command=f"exec 3<>/dev/tcp/127.0.0.1/{port}")


def probe() -> Iterator[Finding]:
    """Try every act twice, without walls and with them."""
    with tempfile.TemporaryDirectory(prefix="bucle-probe-") as name, socket.create_server(("127.0.0.1", 0)) as server:
        root = Path(name)
        stage = root / "stage"
        stage.mkdir()
        (stage / "rows.csv").write_text("1\n")
        with Spawner(notify=str(root / "nobody"), log=root / "spawner.log") as spawner:
            for number, act in enumerate(acts(stage, server.getsockname()[1])):
                free = _succeeds(spawner, root / f"free-{number}", act, "none")
                walled = _succeeds(spawner, root / f"walled-{number}", act, "auto")
                yield Finding(act=act.name, control=free, stopped=not walled)


def _succeeds(spawner: Spawner, place: Path, act: Act, mode: Mode) -> bool:
    work = place.with_name(f"{place.name}-work")
    work.mkdir()
    spec = AttemptSpec(
        argv=("/bin/bash", "-c", act.command),
        env={},
        cwd=str(work),
        isolation=Isolation(mode=mode, write=(str(work),)),
        timeout_s=PATIENCE_S,
    )
    folder.write_spec(place, spec)
    spawner.spawn(place)
    deadline = time.monotonic() + 2 * PATIENCE_S
    while time.monotonic() < deadline:
        found = folder.probe(place)
        if isinstance(found, Exit):
            return found.rc == 0
        time.sleep(0.01)
    return False


def main() -> int:
    """Write what was found; return 1 when an act that works without walls is not stopped by them."""
    print(json.dumps({"landlock_abi": landlock_abi()}))
    findings = list(probe())
    for finding in findings:
        print(json.dumps(asdict(finding)))
    return 0 if all(finding.stopped for finding in findings if finding.control) else 1


if __name__ == "__main__":
    sys.exit(main())
