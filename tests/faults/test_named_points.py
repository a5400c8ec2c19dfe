"""kill -9 at named points: what was acknowledged is kept, what was not is whole or absent, each step runs once."""

import os
import signal

import pytest

from bucle.client import Client
from tests.conftest import Installation
from tests.faults.conftest import Ledger, await_true, job, running_of, start_dying, submit

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
def test_killed_at(warm: Installation, ledger: Ledger, point: str) -> None:
    """The same request again gives the one job, which runs once and completes; the chain is whole; nothing is left."""
    name = f"once-{POINTS.index(point)}"
    told, kept = UNTOLD.get(point, (True, True))
    server = start_dying(warm, point)
    server.arm()
    first = submit(warm, job(ledger.command, name), name)
    server.await_death()
    server.armed.unlink(missing_ok=True)
    warm.up()
    with warm.client() as client:
        assert (first is not None, name in _names(client)) == (told, kept)
        second = submit(warm, job(ledger.command, name), name)
        assert second is not None
        assert first is None or first.json() == second.json()
        assert ("idempotency-replayed" in second.headers) == kept
        assert client.job.wait(name)["status"] == "completed"
        assert _names(client).count(name) == 1
        assert client.audit.verify()["intact"]
    assert len(ledger.lines) == 1
    _assert_nothing_runs(warm)


def test_killed_during_a_job(warm: Installation, ledger: Ledger) -> None:
    """User code that runs while its server is killed goes on, is adopted by the next one, and runs once."""
    warm.up()
    go = ledger.folder / "go"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.05; done"
    assert submit(warm, job(command, "long"), "long") is not None
    await_true(lambda: len(ledger.lines) == 1, "user code runs")
    os.kill(warm.pid, signal.SIGKILL)
    warm.up()
    with warm.client() as client:
        assert client.job.show("long")["status"] == "running"
        go.touch()
        assert client.job.wait("long")["status"] == "completed"
    assert len(ledger.lines) == 1
    _assert_nothing_runs(warm)


def test_the_ledger_sees_a_second_run(warm: Installation, ledger: Ledger) -> None:
    """The instrument itself: a job that is submitted twice leaves two lines, and what runs in the folder is seen."""
    warm.up()
    assert running_of(warm.home)
    for name in ("one", "two"):
        assert submit(warm, job(ledger.command, name), name) is not None
    with warm.client() as client:
        for name in ("one", "two"):
            assert client.job.wait(name)["status"] == "completed"
    assert len(ledger.lines) == len(set(ledger.lines)) == 2


def _assert_nothing_runs(warm: Installation) -> None:
    assert warm.bucle("down").code == 0
    await_true(lambda: not running_of(warm.home), "nothing runs in the folder")


def _names(client: Client) -> list[str]:
    return [one["name"] for one in client.job.list()]
