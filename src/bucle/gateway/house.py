"""The gateway's house-keeping: follows `routes.json` and `workers.json`, says what it applied, writes its counts."""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bucle.gateway.core import Core
from bucle.gateway.link import Link, connect
from bucle.gateway.table import read_table
from bucle.runtime.folder import replace_file

_SECOND_S = 1.0


class House:
    """One folder through which server, keeper and gateway speak; polled, since a folder obeys nobody."""

    def __init__(self, root: Path, core: Core) -> None:
        self._root = root
        self._core = core
        self._marks: dict[str, tuple[int, int]] = {}
        self._workers: Mapping[str, Any] = {}
        self._leaving: set[Link] = set()
        self._refused: str | None = None
        self._applied: tuple[object, ...] = ()
        self._told_at = 0.0

    async def turn(self) -> None:
        """Take a new table and new workers, connect what is ready, and each second ping and tell."""
        self._follow_table()
        self._follow_workers()
        await self._follow_links()
        self._say_applied()
        now = time.monotonic()
        if now - self._told_at >= _SECOND_S:
            self._told_at = now
            for link in self._core.links.values():
                link.ping()
            self._write("stats.json", {"pid": os.getpid(), "at": time.time(), **self._core.document()})

    def _follow_table(self) -> None:
        document = self._changed("routes.json")
        if document is None:
            return
        try:
            self._core.table = read_table(document)
            self._refused = None
        except ValueError as fault:  # the last good table stands
            self._refused = str(fault)
            sys.stderr.write(f"routes.json is refused: {fault}\n")

    def _say_applied(self) -> None:
        """Write which table is followed and which workers can be reached, when either changed."""
        linked = sorted(worker for worker, link in self._core.links.items() if link.usable)
        applied = (self._core.table.generation, self._refused, linked)
        if applied != self._applied:
            generation, refused, _ = applied
            document = {"generation": generation, "refused": refused, "linked": linked}
            if self._write("applied.json", {**document, "pid": os.getpid(), "at": time.time()}):
                self._applied = applied

    def _follow_workers(self) -> None:
        document = self._changed("workers.json")
        if document is not None:
            with suppress(ValueError, KeyError, TypeError):
                self._workers = dict(json.loads(document)["workers"])

    async def _follow_links(self) -> None:
        links = self._core.links
        named = {
            deployment.worker
            for endpoint in self._core.table.endpoints.values()
            for deployment in endpoint.deployments.values()
        }
        for worker, link in tuple(links.items()):
            if link.closed:
                del links[worker]
            elif worker not in named:
                del links[worker]
                link.leave()
                self._leaving.add(link)  # held until it is done: nothing else refers to it
        self._leaving = {link for link in self._leaving if not link.closed}
        for worker in named - links.keys():
            found = self._workers.get(worker)
            if found is not None and found["state"] == "ready" and found["pid"] is not None:
                made = await connect(found["socket"], found["pid"])
                if made is not None:
                    links[worker] = made

    def _changed(self, name: str) -> bytes | None:
        """Return a file's bytes when it is another than before."""
        path = self._root / name
        with suppress(OSError):
            found = path.stat()
            mark = (found.st_ino, found.st_mtime_ns)
            if self._marks.get(name) != mark:
                self._marks[name] = mark
                return path.read_bytes()
        return None

    def _write(self, name: str, document: Mapping[str, Any]) -> bool:
        """Write a document; False when the disk does not take it: traffic goes on."""
        try:
            replace_file(self._root / name, json.dumps(document).encode(), durable=False)
        except OSError as fault:
            sys.stderr.write(f"{name}: {fault}\n")
            return False
        return True
