"""Leases on a database: who drives, who takes over when, and that nothing is taken from whoever was fenced off."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa

from bucle import errors
from bucle.store import events, lease
from bucle.store.lease import Member
from bucle.store.migrate import newest
from bucle.store.records import Records
from bucle.store.tables.store import lease as leases
from bucle.store.tables.store import server
from tests.store.conftest import tell

LEASE_S = 30


def _member(name: str, folder: str = "ours") -> Member:
    return Member(id=name, folder=folder, machine="here", place=f"host:/{folder}", lease_s=LEASE_S)


@contextmanager
def _joined(url: str, name: str) -> Iterator[tuple[Records, Member]]:
    with closing(Records(url)) as records:
        me = _member(name)
        lease.join(records, me)
        records.fence = me.check
        yield records, me


def _age(records: Records, name: str) -> None:
    """Have a server been silent for longer than its lease."""
    with records.engine.begin() as rows:
        past = server.c.expires_at - (LEASE_S + 1) * 1_000_000
        rows.execute(server.update().where(server.c.id == name).values(expires_at=past))


def _drives(records: Records, me: Member) -> str | None:
    found = lease.driver(records, me)
    return found and found.id


def test_one_of_two_drives(on_server: Records) -> None:
    """The first that asks; the other is told who it is, writes as well, and does not take its place while it lives."""
    with _joined(on_server.url, "a") as (first, a), _joined(on_server.url, "b") as (second, b):
        assert _drives(second, b) is None
        assert lease.drive(first, a, None)
        assert not lease.drive(second, b, None)
        seen = lease.driver(second, b)
        assert seen is not None
        assert (seen.id, seen.expired) == ("a", False)
        tell(first, "of the driver")
        tell(second, "of the other")
    with on_server.read() as rows:
        assert [line["what"] for line in events.read_chain(rows, "platform")] == ["of the driver", "of the other"]


def test_a_silent_driver_is_fenced_off(on_server: Records) -> None:
    """After its lease has ended another takes over; what it writes, renews or asks then is refused, whole."""
    with _joined(on_server.url, "a") as (first, a), _joined(on_server.url, "b") as (second, b):
        assert lease.drive(first, a, None)
        tell(first, "alive")
        _age(on_server, "a")
        assert lease.drive(second, b, lease.driver(second, b))
        tell(second, "taken over")
        for late in (
            lambda: tell(first, "late"),
            lambda: lease.renew(first, a),
            lambda: lease.driver(first, a),
            lambda: lease.drive(first, a, None),
        ):
            with pytest.raises(errors.Conflict, match="taken these records over"):
                late()
        assert _drives(second, b) == "b"
    with on_server.read() as rows:
        assert [line["what"] for line in events.read_chain(rows, "platform")] == ["alive", "taken over"]


def test_a_driver_that_woke_up_in_time_stays(on_server: Records) -> None:
    """Seen silent, renewed before its place was taken: it keeps it. The same act succeeds when it did not renew."""
    with _joined(on_server.url, "a") as (first, a), _joined(on_server.url, "b") as (second, b):
        assert lease.drive(first, a, None)
        _age(on_server, "a")
        seen = lease.driver(second, b)
        lease.renew(first, a)
        assert not lease.drive(second, b, seen)
        tell(first, "still here")
        _age(on_server, "a")
        assert lease.drive(second, b, seen)


def test_a_silent_follower_is_fenced_off(on_server: Records) -> None:
    """Whoever takes the place of a driver fences off every server that was silent, not only that one."""
    with _joined(on_server.url, "a") as (_, a), _joined(on_server.url, "b") as (second, b):
        with _joined(on_server.url, "c") as (third, _c):
            tell(third, "alive")
            _age(on_server, "c")
            assert lease.drive(second, b, None)
            with pytest.raises(errors.Conflict, match="taken these records over"):
                tell(third, "late")
        tell(second, a.id)


def test_the_epoch_rises_with_each_driver(on_server: Records) -> None:
    """A driver that leaves is followed at once, and the number of the place tells the two apart."""
    epochs = []
    for name in ("a", "b", "c"):
        with _joined(on_server.url, name) as (records, me):
            assert lease.drive(records, me, None)
            with records.read() as rows:
                epochs.append(rows.execute(sa.select(leases.c.epoch)).scalar_one())
            lease.leave(records, me)
    assert epochs == [1, 2, 3]


def test_servers_of_another_folder_wait(on_server: Records) -> None:
    """Refused by name while one lives; when it is silent they come in, and it is fenced off."""
    other = _member("z", "theirs")
    with _joined(on_server.url, "a") as (first, _):
        with pytest.raises(errors.Conflict, match=r"host:/ours.*of its own"):
            lease.join(on_server, other)
        _age(on_server, "a")
        lease.join(on_server, other)
        with pytest.raises(errors.Conflict, match="taken these records over"):
            tell(first, "late")


def test_another_version_waits(on_server: Records) -> None:
    """The tables are not changed under a server that lives: not before it is gone."""
    joining = _member("b")
    with _joined(on_server.url, "a") as (first, a):
        lease.refuse_used(on_server, joining, newest=newest(), found=newest())
        with pytest.raises(errors.Conflict, match="another version"):
            lease.refuse_used(on_server, joining, newest="9999", found=newest())
        lease.leave(first, a)
    lease.refuse_used(on_server, joining, newest="9999", found=newest())


def test_the_one_server_of_before_is_waited_for(on_server: Records) -> None:
    """Records of a bucle that knew one server only: not touched while its lease lasts, unless it was this folder's."""
    joining = _member("b")
    with on_server.engine.begin() as rows:
        rows.execute(sa.schema.DropTable(server))
        micros = sa.text("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")
        rows.execute(leases.insert().values(name="server", node="host:/old", epoch=7, renewed_at=micros))
    with pytest.raises(errors.Conflict, match=r"host:/old.*lasts (29|30) s"):
        lease.refuse_used(on_server, joining, newest=newest(), found="0006")
    with on_server.engine.begin() as rows:
        rows.execute(leases.update().values(renewed_at=leases.c.renewed_at - 31_000_000))
    lease.refuse_used(on_server, joining, newest=newest(), found="0006")
