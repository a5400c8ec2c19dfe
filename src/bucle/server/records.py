"""The records of a server: where they are kept, the lease it holds on them, and the thread that renews it."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from bucle import errors
from bucle.access import policy
from bucle.config import Home
from bucle.server.compose import now
from bucle.server.upgrade import Upgraded, finish_return, upgrade
from bucle.store import engines, lease
from bucle.store.lease import RENEW_S, Lease
from bucle.store.migrate import migrate
from bucle.store.records import Records

LOG = logging.getLogger("bucle.lease")


@dataclass(slots=True)
class Held:
    """Records that this server alone writes: by the lock of its folder on a file, by a lease on a shared database.

    `upgraded` tells of the upgrade that this start did, where they were at an older schema.
    """

    records: Records
    lease: Lease | None
    upgraded: Upgraded | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def renew(self, lost: Callable[[], object]) -> None:
        """Renew the lease until `stop`; call `lost` when another server has it. A database away is waited for."""
        if self.lease is None:
            return
        while not self._stop.wait(RENEW_S):
            try:
                lease.renew(self.records, self.lease)
            except errors.Unavailable as fault:
                LOG.warning("%s", fault)
            except errors.Conflict as fault:
                LOG.error("%s", fault)  # noqa: TRY400  nothing failed here: the sentence says it all
                lost()
                return

    def stop(self) -> None:
        """End `renew`."""
        self._stop.set()

    def close(self) -> None:
        """Give back the lease and every connection."""
        if self.lease is not None:
            try:
                lease.give_back(self.records, self.lease)
            except errors.Unavailable as fault:
                LOG.warning("%s", fault)
        self.records.close()


def hold(home: Home, asked: str | None) -> Held:
    """Open the records of a state folder whose lock is held, at the newest schema, fenced against every other server.

    `asked` is where they are to be kept; it is remembered. Conflict when they are kept elsewhere, when another server
    works on them, when they are newer, or when they belong to another key file; PlatformFault when they cannot be
    upgraded, and are as they were.
    """
    finish_return(home)
    url = address(home, asked)
    records = Records(url)
    try:
        held = Held(records, None if url.startswith("sqlite") else _taken(records, home))
        held.upgraded = upgrade(home, records, now())
        migrate(records)
        _refuse_other_keys(home, records)
    except BaseException:
        records.close()
        raise
    if held.lease is None:
        home.records.chmod(0o600)
    else:
        records.fence = held.lease.check
        remember(home, url)
    return held


def address(home: Home, asked: str | None) -> str:
    """Return where the records are kept: as remembered, else as asked when there are none yet, else in the folder."""
    here = f"sqlite:///{home.records}"
    kept = _remembered(home) or (here if home.records.exists() else None)
    wanted = None if asked is None else engines.normal(asked)
    if kept is not None and wanted is not None and kept != wanted:
        raise errors.Conflict("store.other_records", kept=engines.shown(kept), asked=engines.shown(wanted))
    return kept or wanted or here


def remember(home: Home, url: str) -> None:
    """Keep the address of the records for the next start, readable by the owner only; seen whole or not at all."""
    temporary = home.records_address.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(url)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(home.records_address)


def _remembered(home: Home) -> str | None:
    try:
        return home.records_address.read_text().strip() or None
    except FileNotFoundError:
        return None


def _taken(records: Records, home: Home) -> Lease:
    """Take the lease before anything is changed; an empty database gets its tables first."""
    with engines.told_plainly(), records.read() as rows:
        empty = not sa.inspect(rows).has_table("lease")
    if empty:
        migrate(records)
    return lease.take(records, f"{socket.gethostname()}:{home.root}")


def _refuse_other_keys(home: Home, records: Records) -> None:
    with records.read() as rows:
        if policy.has_policy(rows) and not home.keys.exists():
            raise errors.Conflict("server.keys_missing", where=engines.shown(records.url), keys=home.keys)
