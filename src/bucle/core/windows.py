"""Windows of event time: ISO 8601 durations, and the aligned, half-open windows that an instant falls into (UTC)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bucle import errors

_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A length of calendar time, months apart from seconds: a year is not a number of days."""

    months: int = 0
    length: timedelta = timedelta()

    def after(self, instant: datetime) -> datetime:
        """Return the instant one period later."""
        return _shift(instant, self.months) + self.length

    def before(self, instant: datetime) -> datetime:
        """Return the instant one period earlier."""
        return _shift(instant - self.length, -self.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The event times from `start` on and before `end`."""

    start: datetime
    end: datetime


def read_duration(text: str) -> Period:
    """Return the period of an ISO 8601 duration; BadRequest for one that is empty or malformed."""
    found = _DURATION.fullmatch(text)
    parts = {name: int(value or 0) for name, value in found.groupdict().items()} if found else {}
    if not any(parts.values()):
        raise errors.BadRequest("monitor.bad_duration", text=text)
    length = timedelta(
        weeks=parts["weeks"],
        days=parts["days"],
        hours=parts["hours"],
        minutes=parts["minutes"],
        seconds=parts["seconds"],
    )
    return Period(months=12 * parts["years"] + parts["months"], length=length)


def window_of(instant: datetime, period: Period) -> Window:
    """Return the window that `instant` falls into.

    Windows of months and years begin with a month, counted from January of the year 0; those of days and less at
    multiples of their length since Monday, 5 January 1970. A period of both kinds is aligned by its months.
    """
    if period.months:
        place = (instant.year * 12 + instant.month - 1) // period.months * period.months
        start = datetime(place // 12, place % 12 + 1, 1, tzinfo=UTC)
        return Window(start=start, end=_shift(start, period.months))
    start = _MONDAY + (instant - _MONDAY) // period.length * period.length
    return Window(start=start, end=start + period.length)


def closed_windows(first: datetime, watermark: datetime, period: Period) -> Iterator[Window]:
    """Yield the windows from that of `first` on which the watermark has passed, oldest first."""
    window = window_of(first, period)
    while window.end <= watermark:
        yield window
        window = window_of(window.end, period)


def _shift(instant: datetime, months: int) -> datetime:
    """Return the same day and time so many months later, or that month's last day."""
    place = instant.year * 12 + instant.month - 1 + months
    year, month = place // 12, place % 12 + 1
    for day in range(instant.day, 27, -1):
        try:
            return instant.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return instant.replace(year=year, month=month)
