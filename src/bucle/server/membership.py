"""A server among others: its file in the state folder, its lease on the database, and when it drives.

Servers that share a database share the state folder. One of them drives: it runs engine, clock and data plane. The
others serve, look each second whether it still lives, and one of them takes its place when it does not.
"""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bucle import errors
from bucle.config import Home, living_servers
from bucle.runtime import hold
from bucle.runtime.linux import boot_id
from bucle.server.life import announce
from bucle.store import lease
from bucle.store.lease import Driver, Member
from bucle.store.objects import write_file
from bucle.store.records import Records

LOG = logging.getLogger("bucle.lease")
LOOK_S = 1.0
RENEWALS = 6
"""A lease is renewed so many times before it would end."""
STARTING_S = 20.0
FOLDER = "folder-id"
STARTING = "starting"


@dataclass(slots=True)
class Registered(AbstractContextManager["Registered"]):
    """A server's own file in the state folder, locked for its life; what it says of itself stands in it."""

    home: Home
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    lock: int = -1
    facts: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Make the file, locked before it is seen; those of servers that were killed go."""
        for file in self.home.servers.glob("*.lock"):
            if not hold.is_held(file):
                file.unlink(missing_ok=True)
        draft = self.home.servers / f".{self.id}"
        taken = hold.take(draft)
        assert taken is not None, "nobody else knows this id"
        self.lock = taken
        self.tell(host=socket.gethostname())
        draft.replace(self._file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file; `server.json` names another server, if one is left."""
        self._file.unlink(missing_ok=True)
        os.close(self.lock)
        self.name_a_living()

    def tell(self, **facts: object) -> None:
        """Say more of this server."""
        self.facts.update(facts)
        hold.announce(self.lock, **self.facts)

    def name_a_living(self) -> None:
        """See to it that `server.json` names a server that lives; it goes with the last."""
        living = [one for one in living_servers(self.home) if one.address is not None]
        with suppress(OSError, ValueError):
            if json.loads(self.home.server.read_bytes()).get("id") in {one.id for one in living}:
                return
        with suppress(OSError):  # a full disk, say: it is done at the next look
            if living:
                first = living[0]
                port = int(str(first.address).rpartition(":")[2])
                facts = {"id": first.id, "pid": first.pid, "address": first.address, "network": first.network}
                announce(self.home.server, **facts, port=port)
            else:
                self.home.server.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.home.servers / f"{self.id}.lock"


@dataclass(slots=True, kw_only=True)
class Membership:
    """The lease of a server, kept until `stop`. `superseded`: it was taken from it."""

    records: Records
    me: Member
    home: Home
    superseded: bool = False
    _drives: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, drive: Callable[[], None], lost: Callable[[], None], look: Callable[[], None]) -> None:
        """Renew until `stop`; call `drive` when this server is to drive, `lost` when its lease was taken from it.

        A database that is away is waited for. `look` is called each second.
        """
        every_s = self.me.lease_s / RENEWALS
        renewed = steady = seen = time.monotonic()
        while True:
            now = time.monotonic()
            if now - seen > LOOK_S + every_s:
                steady = now  # this process was away: the others may have been, too
            try:
                if now - renewed >= every_s:
                    lease.renew(self.records, self.me)
                    renewed = now
                if self._takes_over(patient=now - steady >= 2 * every_s):
                    self._drives = True
                    drive()
                look()
            except errors.Unavailable as fault:
                LOG.warning("%s", fault)
                steady = time.monotonic()
            except errors.BucleError as fault:
                LOG.error("%s", fault)  # noqa: TRY400  nothing failed here: the sentence says it all
                self.superseded = fault.code == "store.superseded"
                lost()
                return
            seen = time.monotonic()
            if self._stop.wait(min(LOOK_S, every_s)):
                return

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()

    def _takes_over(self, *, patient: bool) -> bool:
        """Become the driver where there is none, or where it was killed, or where its lease has ended.

        After the database was away all leases may have ended: who drove gets the time to renew its own.
        """
        found = lease.driver(self.records, self.me)
        if self._drives:
            return False
        if found is not None and not self._is_gone(found) and not (found.expired and patient):
            return False
        return lease.drive(self.records, self.me, found)

    def _is_gone(self, found: Driver) -> bool:
        return found.machine == self.me.machine and not hold.is_held(self.home.servers / f"{found.id}.lock")


def member(home: Home, server_id: str, lease_s: float) -> Member:
    """Return what the records are told of this server."""
    place = f"{socket.gethostname()}:{home.root}"
    return Member(id=server_id, folder=_folder_id(home), machine=boot_id(), place=place, lease_s=lease_s)


@contextmanager
def starting(home: Home) -> Iterator[None]:
    """Let one server after the other start: the first makes keys, tables and the first principals."""
    until = time.monotonic() + STARTING_S
    while (lock := hold.take(home.servers / STARTING)) is None:
        if time.monotonic() > until:
            raise errors.Conflict("server.starting", home=home.root)
    try:
        yield
    finally:
        os.close(lock)


def _folder_id(home: Home) -> str:
    """Return what tells this state folder from every other, its copies too: its own number, and that of its inode."""
    file = home.servers / FOLDER
    if not file.exists():
        write_file(file, secrets.token_hex(8).encode())
    return f"{file.read_text()}-{home.root.stat().st_ino}"
