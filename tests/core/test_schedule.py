"""When schedules fire, against instants computed by hand from the tables of clock changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle import errors
from bucle.core.schedule import (
    CronTrigger,
    Fire,
    Frequency,
    RecurrencePattern,
    RecurrenceTrigger,
    Trigger,
    check_trigger,
    due,
    next_after,
)

MADRID, NEW_YORK = "Europe/Madrid", "America/New_York"
HALF_PAST_TWO = RecurrencePattern(hours=(2,), minutes=(30,))
FREQUENCIES: tuple[Frequency, ...] = ("minute", "hour", "day", "week", "month")
YEAR_2026 = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(time_zone: str) -> tuple[Trigger, Trigger]:
    """Give half past two every day, as cron and as recurrence."""
    return (
        CronTrigger(expression="30 2 * * *", time_zone=time_zone),
        RecurrenceTrigger(frequency="day", interval=1, schedule=HALF_PAST_TWO, time_zone=time_zone, start_at=YEAR_2026),
    )


# Madrid 2026: from 02:00 to 03:00 on 29 March (01:00Z), from 03:00 to 02:00 on 25 October (01:00Z).
# New York 2026: from 02:00 to 03:00 on 8 March (07:00Z), from 02:00 to 01:00 on 1 November (06:00Z).
@pytest.mark.parametrize("trigger", daily(MADRID), ids=["cron", "recurrence"])
def test_madrid_skips_and_repeats_half_past_two(trigger: Trigger) -> None:
    """Skipped, it fires at the change, 03:00 summer time; repeated, it fires the first time only."""
    assert next_after(trigger, at("2026-03-27T12:00")) == at("2026-03-28T01:30")
    assert next_after(trigger, at("2026-03-28T12:00")) == at("2026-03-29T01:00")
    assert next_after(trigger, at("2026-03-29T01:00")) == at("2026-03-30T00:30")
    assert next_after(trigger, at("2026-10-24T12:00")) == at("2026-10-25T00:30")
    assert next_after(trigger, at("2026-10-25T00:30")) == at("2026-10-26T01:30")


@pytest.mark.parametrize("trigger", daily(NEW_YORK), ids=["cron", "recurrence"])
def test_new_york_skips_half_past_two_in_march(trigger: Trigger) -> None:
    """The change is at 07:00Z; in November half past two comes once, in winter time."""
    assert next_after(trigger, at("2026-03-07T12:00")) == at("2026-03-08T07:00")
    assert next_after(trigger, at("2026-03-08T07:00")) == at("2026-03-09T06:30")
    assert next_after(trigger, at("2026-10-31T12:00")) == at("2026-11-01T07:30")


def test_new_york_repeats_half_past_one_in_november() -> None:
    """01:30 comes at 05:30Z and again at 06:30Z: a recurrence and a cron take the first."""
    pattern = RecurrencePattern(hours=(1,), minutes=(30,))
    recurrence = RecurrenceTrigger(
        frequency="day", interval=1, schedule=pattern, time_zone=NEW_YORK, start_at=YEAR_2026
    )
    for trigger in (recurrence, CronTrigger(expression="30 1 * * *", time_zone=NEW_YORK)):
        assert next_after(trigger, at("2026-10-31T12:00")) == at("2026-11-01T05:30")
        assert next_after(trigger, at("2026-11-01T05:30")) == at("2026-11-02T06:30")


def test_every_hour_is_elapsed_time() -> None:
    """Twenty-five hours of a Sunday in October are twenty-five ticks."""
    trigger = RecurrenceTrigger(frequency="hour", interval=1, time_zone=MADRID, start_at=YEAR_2026)
    tick, ticks = at("2026-10-24T22:00"), 0
    while tick < at("2026-10-25T23:00"):
        tick, ticks = next_after(trigger, tick) or tick, ticks + 1
    assert ticks == 25


@pytest.mark.parametrize(
    ("trigger", "instants"),
    [
        (  # Azure's example: four and ten past four, Mondays and Wednesdays
            RecurrenceTrigger(
                frequency="week",
                interval=1,
                start_at=YEAR_2026,
                schedule=RecurrencePattern(hours=(4,), minutes=(0, 10), week_days=("monday", "wednesday")),
            ),
            (
                "2026-01-05T04:00",
                "2026-01-05T04:10",
                "2026-01-07T04:00",
                "2026-01-07T04:10",
                "2026-01-12T04:00",
            ),
        ),
        (  # every second week counts from the week of the start, Thursday 1 January
            RecurrenceTrigger(frequency="week", interval=2, start_at=at("2026-01-01T09:15")),
            ("2026-01-01T09:15", "2026-01-15T09:15", "2026-01-29T09:15"),
        ),
        (  # the 31st comes in long months only
            RecurrenceTrigger(
                frequency="month",
                interval=1,
                start_at=YEAR_2026,
                schedule=RecurrencePattern(month_days=(31,)),
            ),
            ("2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"),
        ),
        (  # a quarter
            RecurrenceTrigger(frequency="month", interval=3, start_at=at("2026-01-15T06:00")),
            ("2026-01-15T06:00", "2026-04-15T06:00", "2026-07-15T06:00"),
        ),
        (  # every third day, across the end of February
            RecurrenceTrigger(frequency="day", interval=3, start_at=at("2026-02-25T06:00")),
            ("2026-02-25T06:00", "2026-02-28T06:00", "2026-03-03T06:00"),
        ),
        (
            RecurrenceTrigger(frequency="minute", interval=45, start_at=at("2026-01-01T00:10")),
            ("2026-01-01T00:10", "2026-01-01T00:55", "2026-01-01T01:40"),
        ),
        (
            CronTrigger(expression="0 6 * * MON", start_at=at("2026-01-12T06:00"), end_at=at("2026-01-19T06:00")),
            ("2026-01-12T06:00", "2026-01-19T06:00", None),
        ),
    ],
)
def test_ticks_in_order(trigger: Trigger, instants: tuple[str | None, ...]) -> None:
    """Each trigger's first ticks, from before its start, worked out on a calendar."""
    tick: datetime | None = at("2025-12-31T23:00")
    for instant in instants:
        assert tick is not None
        tick = next_after(trigger, tick)
        assert tick == (at(instant) if instant else None)


def test_missed_ticks_are_one_firing() -> None:
    """A server that was down for an hour fires once, for the last tick, and says since when."""
    trigger = CronTrigger(expression="*/10 * * * *")
    assert due(trigger, at("2026-01-01T10:00"), at("2026-01-01T10:09")) is None
    assert due(trigger, at("2026-01-01T10:00"), at("2026-01-01T10:10")) == Fire(
        due_at=at("2026-01-01T10:10"), first_missed_at=None
    )
    assert due(trigger, at("2026-01-01T10:00"), at("2026-01-01T11:05")) == Fire(
        due_at=at("2026-01-01T11:00"), first_missed_at=at("2026-01-01T10:10")
    )


def test_a_year_of_missed_minutes_is_one_firing() -> None:
    """Half a million ticks are passed over, not walked through."""
    fire = due(CronTrigger(expression="* * * * *"), YEAR_2026, at("2027-01-01T00:00:30"))
    assert fire == Fire(due_at=at("2027-01-01T00:00"), first_missed_at=at("2026-01-01T00:01"))


@given(
    frequency=st.sampled_from(FREQUENCIES),
    interval=st.integers(1, 40),
    hours_on=st.integers(0, 5000),
    zone=st.sampled_from((MADRID, NEW_YORK, "UTC", "Australia/Lord_Howe")),
)
def test_ticks_go_forward_and_none_lies_between(frequency: Frequency, interval: int, hours_on: int, zone: str) -> None:
    """The next tick lies after the instant, and asking from anywhere before it gives the same tick."""
    trigger = RecurrenceTrigger(
        frequency=frequency,
        interval=interval,
        start_at=YEAR_2026 + timedelta(minutes=150),
        time_zone=zone,
    )
    instant = YEAR_2026 + timedelta(hours=hours_on)
    tick = next_after(trigger, instant)
    assert tick is not None
    assert tick > instant
    assert next_after(trigger, instant + (tick - instant) / 2) == tick


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        (CronTrigger(expression="0 6 * * *", time_zone="Mars/Olympus"), "schedule.time_zone"),
        (CronTrigger(expression="0 6 * * * *"), "schedule.cron"),
        (CronTrigger(expression="61 6 * * *"), "schedule.cron"),
        (RecurrenceTrigger(frequency="day", interval=0, start_at=YEAR_2026), "schedule.interval"),
        (
            RecurrenceTrigger(frequency="hour", interval=1, start_at=YEAR_2026, schedule=HALF_PAST_TWO),
            "schedule.pattern",
        ),
    ],
)
def test_a_trigger_that_cannot_be_read_is_refused(trigger: Trigger, code: str) -> None:
    """A good trigger passes the check; each fault has its own code."""
    check_trigger(CronTrigger(expression="0 6 * * *", time_zone=MADRID))
    with pytest.raises(errors.BadRequest) as refused:
        check_trigger(trigger)
    assert refused.value.code == code
