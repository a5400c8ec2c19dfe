"""Two servers on one database: both answer, one drives, the other takes its place; nothing is doubled or lost."""

import signal
import threading
import time
from pathlib import Path

import pytest

from bucle import errors
from bucle.runtime import hold
from tests.faults.conftest import Ledger
from tests.postgresql import cluster
from tests.servers.house import House, ended, job, kill, until


def test_both_answer_as_one(house: House, ledger: Ledger, tmp_path: Path) -> None:
    """What is written at one is read at the other at once; jobs submitted at both run once each."""
    first, second = house.living()
    document = job(tmp_path, ledger.folder, span_s=0)
    names = []
    for here, there in ((first, second), (second, first)):
        with house.client(here) as one, house.client(there) as other:
            names.append(one.job.create(document)["name"])
            assert other.job.show(names[-1])["name"] == names[-1]
    assert [ended(house, name)["status"] for name in names] == ["completed"] * 2
    lines = (ledger.folder / "lines").read_text().splitlines()
    assert (len(lines), len(set(lines))) == (8, 8)
    assert house.twice_recorded() == []


def test_status_names_them_all(house: House) -> None:
    """Both stand in it, one of them drives; each answers to the commands of this folder."""
    ran = house.installation.bucle("status", "-o", "json")
    told = ran.json()
    assert isinstance(told, dict)
    assert [one["drives"] for one in told["servers"]] == [True, False]
    for one in house.living():
        assert house.installation.bucle("job", "list", "--server", str(one.address)).code == 0


def test_a_killed_driver_is_followed(house: House, ledger: Ledger, tmp_path: Path) -> None:
    """The other one drives within seconds; the job that ran goes on and is recorded once."""
    before = house.driver()
    with house.client(before) as client:
        name = client.job.create(job(tmp_path, ledger.folder, span_s=3))["name"]
    until((ledger.folder / "lines").exists)
    kill(before)
    began = time.monotonic()
    assert house.driver(after=before.id).id != before.id
    assert time.monotonic() - began < 15
    assert ended(house, name)["status"] == "completed"
    lines = (ledger.folder / "lines").read_text().splitlines()
    assert (len(lines), len(set(lines))) == (4, 4)
    assert house.twice_recorded() == []
    assert house.installation.bucle("status").code == 0, "the commands find the one that is left"


def test_a_paused_driver_is_fenced_off(house: House, ledger: Ledger, tmp_path: Path) -> None:
    """Stopped beyond its lease, it is followed; awake again, its writes are refused and it leaves."""
    paused = house.driver()
    document = job(tmp_path, ledger.folder, span_s=1)
    with house.client(paused) as late, house.client(house.living()[1]) as other:
        name = late.job.create(document)["name"]
        until((ledger.folder / "lines").exists)
        kill(paused, signal.SIGSTOP)
        try:
            until(lambda: house.driver(after=paused.id).id != paused.id)
            assert ended(house, name)["status"] == "completed"
        finally:
            kill(paused, signal.SIGCONT)
        with pytest.raises((errors.Conflict, errors.Unavailable, errors.PlatformFault)):
            late.job.create(document)
        until(lambda: paused.id not in {one.id for one in house.living()})
        assert [one["name"] for one in other.job.list()].count(name) == 1
        assert other.audit.verify()["intact"]
    assert len((ledger.folder / "lines").read_text().splitlines()) == 4
    assert "taken these records over" in (house.home.log / "server.log").read_text(), "it says why it left"


def test_a_database_that_crashes_under_two(house: House, ledger: Ledger, tmp_path: Path) -> None:
    """Jobs are submitted at both while PostgreSQL crashes twice: each that was acknowledged ends once."""
    document = job(tmp_path, ledger.folder, span_s=0)
    acknowledged: list[str] = []
    stop = threading.Event()

    def submit() -> None:
        for turn in range(200):
            living = house.living()
            if stop.wait(0.2):
                return
            with house.client(living[turn % len(living)]) as client:
                try:
                    acknowledged.append(client.job.create(document)["name"])
                except errors.Unavailable:
                    continue

    submitting = threading.Thread(target=submit)
    submitting.start()
    for _ in range(2):
        time.sleep(1)
        cluster().stop()
        cluster().start()
    time.sleep(1)
    stop.set()
    submitting.join()
    assert len(acknowledged) > 2
    assert {str(ended(house, name)["status"]) for name in acknowledged} == {"completed"}
    assert house.twice_recorded() == []
    assert len(house.living()) == 2


def test_a_lease_is_a_time(house: House) -> None:
    """What is no number of seconds is refused with a word, as a server starts; a number lets it in."""
    ran = house.installation.bucle("up", "--port", "0", env={"BUCLE_LEASE_S": "soon"})
    assert (ran.code, "BUCLE_LEASE_S" in ran.err) == (2, True), ran.err
    assert house.installation.bucle("up", "--port", "0", env={"BUCLE_LEASE_S": "9"}).code == 0
    third = next(one for one in house.living()[::-1] if not one.drives)
    assert house.installation.bucle("down", "--server-id", third.id).code == 0


def test_they_are_stopped_one_by_one(house: House) -> None:
    """One is named and goes, the other drives; with the last one the data plane ends too."""
    first, second = house.living()
    assert house.installation.bucle("down", "--server-id", "nobody").code == 4
    assert house.installation.bucle("down", "--server-id", first.id).code == 0
    assert house.driver(after=first.id).id == second.id
    gateway = house.home.gateway / "gateway.lock"
    until(lambda: hold.is_held(gateway))
    assert house.installation.announced()["id"] == second.id
    assert house.installation.bucle("down").code == 0
    assert (house.living(), hold.is_held(gateway), house.home.server.exists()) == ([], False, False)
