"""When schedules fire: cron expressions and recurrences in a time zone, and the ticks that were missed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from types import MappingProxyType
from typing import Literal, assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

from bucle import errors

Frequency = Literal["minute", "hour", "day", "week", "month"]
WeekDay = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEK: tuple[WeekDay, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_RULE: Mapping[Frequency, Literal[1, 2, 3]] = MappingProxyType({"day": DAILY, "week": WEEKLY, "month": MONTHLY})
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """A cron expression of five fields, read in a time zone of the IANA database."""

    expression: str
    time_zone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrencePattern:
    """Azure's `schedule`: the local times of a day, and the days, at which a recurrence fires."""

    hours: tuple[int, ...] = (0,)
    minutes: tuple[int, ...] = (0,)
    week_days: tuple[WeekDay, ...] = ()
    month_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceTrigger:
    """Every `interval` minutes, hours, days, weeks or months from `start_at`.

    `start_at` is the creation of the schedule where its document names no start. Minutes and hours are
    elapsed time; days, weeks and months are those of the time zone's calendar, at the pattern's times of day
    or, without a pattern, at the start's.
    """

    frequency: Frequency
    interval: int
    start_at: datetime
    schedule: RecurrencePattern | None = None
    time_zone: str = "UTC"
    end_at: datetime | None = None


Trigger = CronTrigger | RecurrenceTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """One firing that stands for every tick since the last one.

    `due_at` is the latest tick; `first_missed_at` the earliest of those that passed unnoticed, or None.
    """

    due_at: datetime
    first_missed_at: datetime | None


def check_trigger(trigger: Trigger) -> None:
    """Raise BadRequest for a trigger that cannot be read: zone, expression, interval or pattern."""
    _zone(trigger.time_zone)
    match trigger:
        case CronTrigger():
            _cron(trigger, datetime(2000, 1, 1, tzinfo=UTC))
        case RecurrenceTrigger():
            if trigger.interval < 1:
                raise errors.BadRequest("schedule.interval", interval=trigger.interval)
            if trigger.schedule is not None and trigger.frequency in ("minute", "hour"):
                raise errors.BadRequest("schedule.pattern", frequency=trigger.frequency)
        case _:
            assert_never(trigger)


def next_after(trigger: Trigger, instant: datetime) -> datetime | None:
    """Return the first tick after `instant`, in UTC, between the trigger's start and end; None without one.

    A local time that a clock change skips counts at the change itself; one that it repeats counts once, the
    first time, except for cron expressions with `*` in the hour or minute, which follow elapsed time.
    """
    check_trigger(trigger)
    from_instant = instant if trigger.start_at is None else max(instant, trigger.start_at - _MOMENT)
    match trigger:
        case CronTrigger():
            tick = next(_cron(trigger, from_instant), None)
        case RecurrenceTrigger():
            tick = _next_recurrence(trigger, from_instant)
        case _:
            assert_never(trigger)
    if tick is None or (trigger.end_at is not None and tick > trigger.end_at):
        return None
    return tick.astimezone(UTC)


def due(trigger: Trigger, last_fired_at: datetime, now: datetime) -> Fire | None:
    """Return the firing that is due at `now`, or None; ticks missed meanwhile are one firing, not many.

    `last_fired_at` is the creation of the schedule until it has fired once.
    """
    first = next_after(trigger, last_fired_at)
    if first is None or first > now:
        return None
    latest = _latest(trigger, first, now)
    return Fire(due_at=latest, first_missed_at=None if latest == first else first)


def _latest(trigger: Trigger, first: datetime, now: datetime) -> datetime:
    """Return the last tick until `now`, looking back over doubling spans: a year of minutes is few steps."""
    span = timedelta(minutes=1)
    while now - span > first:
        ticks = list(_ticks(trigger, now - span, now))
        if ticks:
            return ticks[-1]
        span *= 2
    return [first, *_ticks(trigger, first, now)][-1]


def _ticks(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    tick = next_after(trigger, after)
    while tick is not None and tick <= until:
        yield tick
        tick = next_after(trigger, tick)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise errors.BadRequest("schedule.time_zone", time_zone=name) from None


def _cron(trigger: CronTrigger, instant: datetime) -> Iterator[datetime]:
    local = instant.astimezone(_zone(trigger.time_zone))
    if len(trigger.expression.split()) != 5:
        raise errors.BadRequest("schedule.cron", expression=trigger.expression)
    try:
        return CronSim(trigger.expression, local)
    except CronSimError:
        raise errors.BadRequest("schedule.cron", expression=trigger.expression) from None


def _next_recurrence(trigger: RecurrenceTrigger, instant: datetime) -> datetime | None:
    match trigger.frequency:
        case "minute":
            return _next_elapsed(trigger.start_at, timedelta(minutes=trigger.interval), instant)
        case "hour":
            return _next_elapsed(trigger.start_at, timedelta(hours=trigger.interval), instant)
        case "day" | "week" | "month":
            return _next_local(trigger, instant)
        case _:
            assert_never(trigger.frequency)


def _next_elapsed(start_at: datetime, step: timedelta, instant: datetime) -> datetime:
    return start_at if instant < start_at else start_at + ((instant - start_at) // step + 1) * step


def _next_local(trigger: RecurrenceTrigger, instant: datetime) -> datetime | None:
    """Return the first local time of the calendar whose instant lies after `instant`.

    `_instant` never goes back as local times go on, so the first that fits is the earliest.
    """
    zone = _zone(trigger.time_zone)
    coming = _local_times(trigger, zone, instant.astimezone(zone).replace(tzinfo=None))
    ticks = (_instant(at, zone) for at in coming)
    return next((tick for tick in ticks if tick > instant), None)


def _local_times(trigger: RecurrenceTrigger, zone: ZoneInfo, after: datetime) -> Iterable[datetime]:
    """Return the naive local times after `after`, in order."""
    start = trigger.start_at.astimezone(zone).replace(tzinfo=None)
    pattern = trigger.schedule
    week_days = [_WEEK.index(day) for day in pattern.week_days] if pattern else []
    month_days = list(pattern.month_days) if pattern else []
    if trigger.frequency == "week" and not week_days:
        week_days = [start.weekday()]
    if trigger.frequency == "month" and not (month_days or week_days):
        month_days = [start.day]
    rule = rrule(
        _RULE[trigger.frequency],
        dtstart=_nearer(trigger, start, after),
        interval=trigger.interval,
        byweekday=week_days or None,
        bymonthday=month_days or None,
        byhour=pattern.hours if pattern else start.hour,
        byminute=pattern.minutes if pattern else start.minute,
        bysecond=0 if pattern else start.second,
    )
    return takewhile(lambda at: at.year < after.year + 50, rule.xafter(max(after, start - _MOMENT)))


def _nearer(trigger: RecurrenceTrigger, start: datetime, after: datetime) -> datetime:
    """Return a start in the same phase shortly before `after`: old schedules cost no more than new ones."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if trigger.frequency == "month":
        months = (after.year - day.year) * 12 + after.month - day.month
        ahead = day.month - 1 + max(0, months // trigger.interval - 1) * trigger.interval
        return day.replace(year=day.year + ahead // 12, month=ahead % 12 + 1, day=1)
    step = timedelta(days=trigger.interval * (7 if trigger.frequency == "week" else 1))
    day -= timedelta(days=day.weekday() if trigger.frequency == "week" else 0)
    return day + max(0, (after - day) // step - 1) * step


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a local time: the first where it is repeated, the change where it is skipped."""
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if earlier.astimezone(zone).replace(tzinfo=None) == local:
        return earlier
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier
    before = low.astimezone(zone).utcoffset()
    while high - low > _MOMENT:
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high
