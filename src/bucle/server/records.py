"""The records of a server: where they are kept, and the lease that it holds on them."""

import logging
import os
from dataclasses import dataclass
from secrets import token_hex

from bucle import errors
from bucle.access import policy
from bucle.config import Home, lease_s
from bucle.server.compose import now
from bucle.server.membership import Membership, member
from bucle.server.upgrade import Upgraded, finish_return, upgrade
from bucle.store import engines, lease
from bucle.store.lease import Member
from bucle.store.migrate import current, migrate, newest
from bucle.store.records import Records

LOG = logging.getLogger("bucle.lease")


@dataclass(slots=True)
class Held:
    """Records that are written under the lock of the folder when they are a file, under a lease in a database.

    `upgraded` tells of the upgrade that this start did, where they were at an older schema.
    """

    records: Records
    membership: Membership | None
    upgraded: Upgraded | None = None

    def close(self) -> None:
        """Give back the lease and every connection."""
        if self.membership is not None:
            try:
                lease.leave(self.records, self.membership.me)
            except errors.Unavailable as fault:
                LOG.warning("%s", fault)
        self.records.close()


def hold(home: Home, asked: str | None, server_id: str | None = None) -> Held:
    """Open the records of a state folder whose lock is held, at the newest schema, fenced against every other server.

    `asked` is where they are to be kept; it is remembered. Conflict when they are kept elsewhere, when servers of
    another folder or version work on them, when they are newer, or when they belong to another key file; PlatformFault
    when they cannot be upgraded, and are as they were.
    """
    finish_return(home)
    url = address(home, asked)
    records = Records(url)
    try:
        me = None if url.startswith("sqlite") else member(home, server_id or token_hex(4), _lease_s())
        if me is not None:
            _refuse_used(records, me)
        upgraded = upgrade(home, records, now())
        migrate(records)
        _refuse_other_keys(home, records)
        if me is not None:
            lease.join(records, me)
    except BaseException:
        records.close()
        raise
    if me is None:
        home.records.chmod(0o600)
        return Held(records, None, upgraded)
    records.fence = me.check
    remember(home, url)
    return Held(records, Membership(records=records, me=me, home=home), upgraded)


def is_file(home: Home, asked: str | None) -> bool:
    """Return whether the records are kept in a file of the state folder: one server alone works on it."""
    return address(home, asked).startswith("sqlite")


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


def _lease_s() -> float:
    given = lease_s()
    if given is None:
        raise errors.BadRequest("server.bad_lease")
    return given


def _refuse_used(records: Records, me: Member) -> None:
    """Refuse before anything is changed."""
    with records.read() as rows:
        found = current(rows)
    if found is not None:
        lease.refuse_used(records, me, newest=newest(), found=found)


def _refuse_other_keys(home: Home, records: Records) -> None:
    with records.read() as rows:
        if policy.has_policy(rows) and not home.keys.exists():
            raise errors.Conflict("server.keys_missing", where=engines.shown(records.url), keys=home.keys)
