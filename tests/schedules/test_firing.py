"""Ticks: each fires once, whoever looks and however often; missed ones are one; what cannot be submitted is told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bucle.ops import schedule
from bucle.store.records import Records
from tests.access.conftest import House
from tests.schedules.conftest import SCHEDULES, document, fires, jobs


@pytest.fixture
def scientist(house: House) -> str:
    """Give a data scientist's session, late on a January evening."""
    house.clock.at = datetime(2027, 1, 10, 20, 30, tzinfo=UTC)
    return house.person("scientist", ("DataScientist", "/stages/dev"))


def test_a_tick_fires_once(house: House, scientist: str) -> None:
    """Before its tick a schedule is silent; at the tick it submits one job, as its creator, and no second one."""
    house.done("POST", SCHEDULES, scientist, document())
    schedule.advance(house.world)
    assert jobs(house, scientist) == []
    house.clock.forward(minutes=30)
    schedule.advance(house.world)
    schedule.advance(house.world)
    (made,) = jobs(house, scientist)
    assert (made["name"], made["created_by"]) == ("nightly-20270110T210000", "scientist")
    (fired,) = fires(house, scientist)
    assert (fired["due_at"], fired["job"]) == ("2027-01-10T21:00:00.000000Z", made["name"])


def test_a_restart_fires_nothing_again(house: House, scientist: str) -> None:
    """Another server over the same records sees that the tick was taken; the next one it fires itself."""
    house.done("POST", SCHEDULES, scientist, document())
    house.clock.forward(minutes=30)
    schedule.advance(house.world)
    other = replace(house.world, records=Records(house.world.records.url))
    schedule.advance(other)
    assert len(jobs(house, scientist)) == 1
    house.clock.forward(hours=1)
    schedule.advance(other)
    other.records.close()
    assert len(jobs(house, scientist)) == 2


def test_missed_ticks_are_one(house: House, scientist: str) -> None:
    """Seven hours late, seven ticks are one firing that names the first of them."""
    house.done("POST", SCHEDULES, scientist, document())
    house.clock.forward(hours=7)
    schedule.advance(house.world)
    schedule.advance(house.world)
    (fired,) = fires(house, scientist)
    assert fired["due_at"] == "2027-01-11T03:00:00.000000Z"
    assert fired["first_missed_at"] == "2027-01-10T21:00:00.000000Z"
    assert len(jobs(house, scientist)) == 1


def test_a_time_zone_changes_its_clocks(house: House, scientist: str) -> None:
    """Six in the morning in Madrid is 05:00Z on 27 March 2027 and, after the change, 04:00Z on the 28th."""
    trigger = {"type": "cron", "expression": "0 6 * * *", "time_zone": "Europe/Madrid"}
    house.clock.at = datetime(2027, 3, 27, 0, 0, tzinfo=UTC)
    again = house.login("scientist").json()["session"]
    made = house.done("POST", SCHEDULES, again, document(trigger=trigger))
    assert made["next_at"] == "2027-03-27T05:00:00.000000Z"
    house.clock.at = datetime(2027, 3, 27, 5, 0, tzinfo=UTC)
    schedule.advance(house.world)
    assert house.done("GET", f"{SCHEDULES}/nightly", again)["next_at"] == "2027-03-28T04:00:00.000000Z"


def test_a_disabled_schedule_misses_nothing(house: House, scientist: str) -> None:
    """Disabled over a tick and enabled after it, a schedule fires at the next tick only."""
    house.done("POST", SCHEDULES, scientist, document())
    house.done("POST", f"{SCHEDULES}/nightly:disable", scientist)
    house.clock.forward(hours=2)
    schedule.advance(house.world)
    house.done("POST", f"{SCHEDULES}/nightly:enable", scientist)
    schedule.advance(house.world)
    assert jobs(house, scientist) == []
    house.clock.forward(minutes=30)
    schedule.advance(house.world)
    assert [one["due_at"] for one in fires(house, scientist)] == ["2027-01-10T23:00:00.000000Z"]


def test_who_left_submits_nothing(house: House, scientist: str) -> None:
    """A tick of somebody's submits his job; the one after he was shut out is recorded with the reason, once."""
    reader = house.person("reader", ("DataEngineer", "/stages/dev"))
    house.done("POST", SCHEDULES, scientist, document())
    house.clock.forward(minutes=30)
    schedule.advance(house.world)
    assert len(jobs(house, reader)) == 1
    house.done("POST", "/principals/scientist:disable", house.admin)
    house.clock.forward(hours=1)
    schedule.advance(house.world)
    schedule.advance(house.world)
    newest, first = fires(house, reader)
    assert (newest["job"], bool(newest["reason"]), bool(first["job"])) == (None, True, True)
    assert len(jobs(house, reader)) == 1
