"""The keeper: one process a host that keeps the scoring workers which the routing table names.

It reads `routes.json`, runs each worker as an attempt under a supervisor of its own, restarts it with growing pauses,
adopts what an earlier keeper started, stops what is no longer named, and writes what it sees to `workers.json`.
TERM: stop the workers, then end. HUP: end and leave them to the next keeper.
"""

import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bucle.runtime import folder, hold
from bucle.runtime.attempt import Alive, Exit, Lost, Run, Unclaimed
from bucle.runtime.kept import Kept, adopt, hello_of, incarnate, why_ended
from bucle.runtime.spawning import Spawner
from bucle.runtime.wanted import Table, Wanted, read_table

HELD_BY_ANOTHER = 97
_TURN_S = 0.05
_TELL_S = 1.0
_GATEWAY_PATIENCE_S = 10.0
_CLAIM_PATIENCE_S = 5.0


class Keeper:
    """The workers of one gateway folder: `turn` looks at each and does what is due."""

    def __init__(self, root: Path, spawner: Spawner) -> None:
        self._root = root
        self._workers = root / "workers"
        self._keys = root.parent / "trusted-keys.json"
        self._workers.mkdir(mode=0o700, exist_ok=True)
        self._spawner = spawner
        self._table = Table(generation=0, workers=())
        self._seen: tuple[int, int] | None = None
        self._table_fault: str | None = None
        self._kept: dict[Path, Kept] = {}
        self._spawned_at: dict[Path, float] = {}
        self._told_at = 0.0
        self._told = b""
        self._adopt()

    def turn(self, *, stopping: bool) -> bool:
        """Look at everything once; return whether any worker is left."""
        now = time.monotonic()
        self._read_table()
        wanted = {} if stopping else {worker.id: worker for worker in self._table.workers}
        present = {kept.id for kept in self._kept.values()}
        for identity in wanted.keys() - present:
            self._start(wanted[identity], Kept(id=identity, place=self._workers, socket="", n=0), now)
        for kept in tuple(self._kept.values()):
            self._see(kept, wanted.get(kept.id), now, at_once=stopping)
        self._tell(now)
        return bool(self._kept)

    def _read_table(self) -> None:
        with suppress(FileNotFoundError):
            found = (self._root / "routes.json").stat()
            mark = (found.st_ino, found.st_mtime_ns)
            if mark == self._seen:
                return
            self._seen = mark
            try:
                self._table = read_table((self._root / "routes.json").read_bytes())
                self._table_fault = None
            except ValueError as fault:  # the last good table stands
                self._table_fault = str(fault)

    def _adopt(self) -> None:
        """Take over what an earlier keeper left; of one worker's incarnations only the newest is kept."""
        told = _told_before(self._root / "workers.json")
        newest: dict[str, Kept] = {}
        for place in self._workers.iterdir():
            kept = adopt(place)
            if kept is None:
                shutil.rmtree(place, ignore_errors=True)
                continue
            self._kept[place] = kept
            before = told.get(kept.id, {})
            kept.restarts, kept.last_error = before.get("restarts", 0), before.get("last_error")
            kept.failures, kept.tail = before.get("failures", 0), before.get("tail", "")
            if kept.id not in newest or newest[kept.id].n < kept.n:
                newest[kept.id] = kept
        for kept in self._kept.values():
            if newest[kept.id] is not kept:
                kept.unwanted_since = 0.0

    def _start(self, wanted: Wanted, kept: Kept, now: float) -> None:
        """Run the next incarnation of a worker."""
        self._drop(kept)
        kept.n += 1
        kept.place, kept.socket = incarnate(self._workers, wanted, kept.n, self._keys)
        kept.next_try_at = None
        self._kept[kept.place] = kept
        self._spawn(kept, now)

    def _spawn(self, kept: Kept, now: float) -> None:
        self._spawned_at[kept.place] = now
        self._spawner.spawn(kept.place)

    def _see(self, kept: Kept, wanted: Wanted | None, now: float, *, at_once: bool) -> None:
        if wanted is None and kept.unwanted_since is None:
            kept.unwanted_since = now
        leaving = kept.unwanted_since is not None
        if leaving and not kept.running:
            self._drop(kept)
            return
        if not kept.running:
            if wanted is not None and kept.next_try_at is not None and now >= kept.next_try_at:
                kept.restarts += 1
                self._start(wanted, kept, now)
            return
        self._see_running(kept, now, leaving=leaving)
        if leaving and kept.place in self._kept and (at_once or self._drained(kept, now)):
            kept.state = "stopping"
            folder.cancel(kept.place)

    def _see_running(self, kept: Kept, now: float, *, leaving: bool) -> None:
        found = folder.probe(kept.place)
        if isinstance(found, Alive):
            if hello_of(kept.place) is not None:
                kept.seen_ready(now)
        elif isinstance(found, Unclaimed):
            if leaving:
                self._drop(kept)
            elif now - self._spawned_at.get(kept.place, 0.0) > _CLAIM_PATIENCE_S:
                self._spawn(kept, now)
        elif leaving:
            folder.reap(kept.place)
            self._drop(kept)
        else:
            if isinstance(found, Lost):
                folder.reap(kept.place)
            kept.ended(now, *why_ended(kept.place, found if isinstance(found, Exit) else None))

    def _drained(self, kept: Kept, now: float) -> bool:
        """Return whether the gateway sends nothing more: it follows this table, or does not answer for it."""
        assert kept.unwanted_since is not None
        if now - kept.unwanted_since > _GATEWAY_PATIENCE_S:
            return True
        with suppress(OSError, ValueError, KeyError):
            applied = json.loads((self._root / "applied.json").read_bytes())
            return bool(applied["generation"] >= self._table.generation)
        return False

    def _drop(self, kept: Kept) -> None:
        """Forget an incarnation that is over."""
        if self._kept.pop(kept.place, None) is not None:
            self._spawned_at.pop(kept.place, None)
            shutil.rmtree(kept.place, ignore_errors=True)

    def _tell(self, now: float) -> None:
        """Write `workers.json` when something changed, and each second for the use of resources."""
        states = json.dumps([(kept.id, kept.n, kept.state, kept.failures) for kept in self._kept.values()]).encode()
        if states == self._told and now - self._told_at < _TELL_S:
            return
        newest = sorted(self._kept.values(), key=lambda kept: kept.n)
        document = {
            "generation": self._table.generation,
            "table_fault": self._table_fault,
            "keeper": os.getpid(),
            "at": time.time(),
            "workers": {kept.id: kept.document(_run_of(kept)) for kept in newest},
        }
        with suppress(OSError):  # a full disk: the workers go on
            folder.replace_file(self._root / "workers.json", json.dumps(document).encode(), durable=False)
            self._told, self._told_at = states, now


def keep(root: Path, log: Path) -> int:
    """Keep the workers of `root` until told to end; 97 when another keeper does."""
    lock = hold.take(root / "keeper.lock")
    if lock is None:
        return HELD_BY_ANOTHER
    told: set[int] = set()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: told.add(received))
    hold.announce(lock)
    with Spawner(notify="", log=log) as spawner:
        keeper = Keeper(root, spawner)
        while signal.SIGHUP not in told:
            try:
                left = keeper.turn(stopping=signal.SIGTERM in told)
            except OSError as fault:  # a full disk, say: what runs goes on, and the next turn tries again
                sys.stderr.write(f"{fault}\n")
                left = True
            if signal.SIGTERM in told and not left:
                break
            time.sleep(_TURN_S)
    return 0


def main(root: str, log: str) -> int:
    """Run `keep` on the folder and log that are named."""
    os.umask(0o077)
    return keep(Path(root), Path(log))


def _run_of(kept: Kept) -> Run | None:
    found = folder.probe(kept.place) if kept.running else None
    return found.run if isinstance(found, Alive) else None


def _told_before(file: Path) -> dict[str, dict[str, Any]]:
    with suppress(OSError, ValueError, KeyError):
        workers = json.loads(file.read_bytes())["workers"]
        return workers if isinstance(workers, dict) else {}
    return {}
