"""kill -9 at named points: what was acknowledged is kept, what was not is whole or absent, each step runs once."""

import pytest

from bucle.client import Client
from tests.faults.conftest import Ledger, job, running_of, submit
from tests.faults.house import House, await_true

POINTS = [
    "before commit: INSERT INTO job ",
    "after commit: INSERT INTO job ",
    "before commit: INSERT INTO attempt ",
    "after commit: INSERT INTO attempt ",
    "before commit: UPDATE attempt ",
    "after commit: UPDATE attempt ",
    "after fork",
    "after fork, supervisor too",
]
"""A job is submitted; its step is picked; its success is recorded; its supervisor waits before its claim."""
UNTOLD = {POINTS[0]: (False, False), POINTS[1]: (False, True)}
"""Whether the caller was answered, and whether the job is there afterwards; both, where the point comes later."""


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(house: House, ledger: Ledger, point: str) -> None:
    """The same request again gives the one job, which runs once and completes; the chain is whole; nothing is left."""
    name = f"once-{POINTS.index(point)}"
    told, kept = UNTOLD.get(point, (True, True))
    house.arm(point)
    first = submit(house.installation, job(ledger.command, name), name)
    house.await_death()
    house.start()
    with house.installation.client() as client:
        assert (first is not None, name in _names(client)) == (told, kept)
        second = submit(house.installation, job(ledger.command, name), name)
        assert second is not None
        assert first is None or first.json() == second.json()
        assert ("idempotency-replayed" in second.headers) == kept
        assert client.job.wait(name)["status"] == "completed"
        assert _names(client).count(name) == 1
        assert client.audit.verify()["intact"]
    assert len(ledger.lines) == 1
    _assert_nothing_runs(house)


def test_killed_during_a_job(house: House, ledger: Ledger) -> None:
    """User code that runs while its server is killed goes on, is adopted by the next one, and runs once."""
    go = ledger.folder / "go"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.05; done"
    assert submit(house.installation, job(command, "long"), "long") is not None
    await_true(lambda: len(ledger.lines) == 1, "user code runs")
    house.kill_server()
    house.start()
    with house.installation.client() as client:
        assert client.job.show("long")["status"] == "running"
        go.touch()
        assert client.job.wait("long")["status"] == "completed"
    assert len(ledger.lines) == 1
    _assert_nothing_runs(house)


def test_a_stop_leaves_nothing(house: House, ledger: Ledger) -> None:
    """The instrument itself: two jobs leave two lines; what runs is seen, and a stop leaves none of it."""
    assert running_of(house.home)
    for name in ("one", "two"):
        assert submit(house.installation, job(ledger.command, name), name) is not None
    with house.installation.client() as client:
        for name in ("one", "two"):
            assert client.job.wait(name)["status"] == "completed"
    assert len(ledger.lines) == len(set(ledger.lines)) == 2
    house.stop()
    assert running_of(house.home) == []
    house.start()


def _assert_nothing_runs(house: House) -> None:
    """No supervisor and no user code is left; that a stop leaves nothing else is the claim of a test of its own."""
    await_true(lambda: not house.user_code() and not house.supervisors(), "nothing of the job runs")


def _names(client: Client) -> list[str]:
    return [one["name"] for one in client.job.list()]
