"""A clock that jumps by a day, forward and back, under a running server: nothing waits, nothing happens twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from tests.faults.conftest import Ledger, job
from tests.faults.house import House, await_true
from tests.faults.load import DEV

LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
HOURLY = {"type": "cron", "expression": "0 * * * *"}
JOB = {"type": "command", "command": "true", "environment": {"image": "python"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumping:
    """An installation, and the clock of its server; what the server starts keeps the machine's own time."""

    house: House
    clock: Path

    def jump(self, days: int) -> None:
        """Set the server's clock to so many days from now."""
        self.clock.write_text(f"{days:+d}d")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make something in dev."""
        with self.house.installation.client() as client:
            return dict(client.data.session.post(f"{DEV}/{path}", body))


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jumping]:
    """Give an installation whose server lives by a clock of the test's own."""
    library = next(iter(Path("/").glob(LIBRARIES.removeprefix("/"))), None)
    if library is None:
        pytest.skip("libfaketime is not there; `scripts/install_tools.sh` installs it")
    folder = tmp_path_factory.mktemp("jumping")
    made = Jumping(house=House(folder=folder), clock=folder / "clock")
    made.jump(0)
    made.house.variables = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(made.clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    try:
        made.house.furnish(None, 0)
        made.house.start()
        made.house.warm(serving=False)
        yield made
    finally:
        made.house.close()


@pytest.mark.parametrize("days", [1, -1])
def test_jobs_go_on(jumping: Jumping, ledger: Ledger, days: int) -> None:
    """What runs and what waits for a slot completes, once each, in no less than no time; so does what comes after."""
    jumping.jump(0)
    go = ledger.folder / "go"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.02; done"
    names = [f"job{days:+d}-{number}".replace("+", "p") for number in range(6)]
    for name in names[:5]:
        jumping.post("jobs", job(command, name))
    await_true(lambda: len(ledger.lines) >= 2, "all slots are taken")
    jumping.jump(days)
    jumping.post("jobs", job(command, names[5]))
    go.touch()
    with jumping.house.installation.client() as client:
        ended = [client.job.wait(name) for name in names]
        assert client.audit.verify()["intact"]
    assert [one["status"] for one in ended] == ["completed"] * 6
    assert all(0 <= one["steps"][-1]["seconds"] < 60 for one in ended)
    assert len(ledger.lines) == len(set(ledger.lines)) == 6


def test_a_retry_does_not_wait_for_the_old_time(jumping: Jumping, ledger: Ledger) -> None:
    """A lost attempt is tried again at once, though the clock goes back a day between its end and its next try."""
    jumping.jump(1)
    go = ledger.folder / "go"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.02; done"
    jumping.post("jobs", job(command, "lost"))
    await_true(lambda: len(ledger.lines) == 1, "it runs")
    jumping.house.kill_server()
    for pid in jumping.house.supervisors():
        jumping.house.kill(pid)
    jumping.house.start()
    jumping.jump(0)
    await_true(lambda: len(ledger.lines) == 2, "it is tried again")
    go.touch()
    with jumping.house.installation.client() as client:
        step = client.job.wait("lost")["steps"][-1]
    assert (step["status"], step["attempts"]) == ("completed", 2)


def test_ticks_fire_at_most_once(jumping: Jumping) -> None:
    """A day ahead, its 24 ticks are one firing; back and ahead again, none of them fires a second time."""
    jumping.jump(0)
    jumping.post("schedules", {"name": "hourly", "trigger": HOURLY, "create_job": JOB})
    jumping.jump(1)
    await_true(lambda: len(fires(jumping)) == 1, "the missed ticks are caught up")
    assert fires(jumping)[0]["first_missed_at"] is not None
    for days in (0, 1):
        jumping.jump(days)
        seen = jumping.post("jobs", job("true", f"after-{days}"))["name"]
        with jumping.house.installation.client() as client:
            assert client.job.wait(seen)["status"] == "completed"
        assert len(fires(jumping)) == 1


def fires(jumping: Jumping) -> Sequence[dict[str, Any]]:
    """Return the firings of the schedule, each of which submitted a job of its own."""
    with jumping.house.installation.client() as client:
        found: Sequence[dict[str, Any]] = client.schedule.show("hourly")["fires"]
    assert len({one["job"] for one in found}) == len(found)
    return found


def test_a_token_lives_by_the_clock(jumping: Jumping) -> None:
    """Of an hour's life, it opens nothing a day later, and opens again what it did when time is put right."""
    jumping.jump(0)
    with jumping.house.installation.client(jumping.house.approver()) as person:
        token = person.token.create(expires_in=timedelta(hours=1))["token"]
    with jumping.house.installation.client(token) as holder:
        assert holder.stage.list()
        jumping.jump(1)
        with pytest.raises(errors.NotSignedIn, match="expired"):
            holder.stage.list()
        jumping.jump(0)
        assert holder.stage.list()
