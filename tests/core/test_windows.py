"""Windows of event time: worked out by hand from the calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle import errors
from bucle.core.windows import Period, Window, closed_windows, read_duration, window_of


def at(text: str) -> datetime:
    """Return an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DURATIONS = [
    ("P1Y", Period(months=12)),
    ("P1Y6M", Period(months=18)),
    ("P2W", Period(length=timedelta(days=14))),
    ("P1DT2H3M4S", Period(length=timedelta(days=1, hours=2, minutes=3, seconds=4))),
    ("P1M", Period(months=1)),
    ("PT1M", Period(length=timedelta(minutes=1))),
]


@pytest.mark.parametrize(("text", "period"), DURATIONS)
def test_a_duration_is_read(text: str, period: Period) -> None:
    """Months before the T are calendar months, those behind it minutes."""
    assert read_duration(text) == period


@pytest.mark.parametrize("text", ["", "P", "PT", "P0D", "1D", "P1.5D", "P-1D", "P1D2H", "p1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """An empty duration closes no window, so it is none."""
    with pytest.raises(errors.BadRequest):
        read_duration(text)


SHIFTS = [
    ("2024-01-31", "P1M", "2024-02-29"),
    ("2023-01-31", "P1M", "2023-02-28"),
    ("2024-02-29", "P1Y", "2025-02-28"),
    ("2024-02-29", "P4Y", "2028-02-29"),
    ("2024-12-31", "P2M", "2025-02-28"),
    ("2024-03-31", "P1M", "2024-04-30"),
    ("2024-02-28", "P1D", "2024-02-29"),
]


@pytest.mark.parametrize(("start", "text", "end"), SHIFTS)
def test_a_month_later_is_the_same_day_or_the_months_last(start: str, text: str, end: str) -> None:
    """29 February and the ends of months."""
    assert read_duration(text).after(at(start)) == at(end)


def test_a_month_before_the_end_of_march() -> None:
    """Backwards too it is the last day of the shorter month."""
    assert read_duration("P1M").before(at("2024-03-31")) == at("2024-02-29")
    assert read_duration("P1Y").before(at("2024-02-29")) == at("2023-02-28")


WINDOWS = [
    ("1979-07-01T12:00", "P1Y", "1979-01-01", "1980-01-01"),
    ("1979-12-31T23:59:59.999999", "P1Y", "1979-01-01", "1980-01-01"),
    ("1980-01-01", "P1Y", "1980-01-01", "1981-01-01"),
    ("2024-02-29T23:00", "P1M", "2024-02-01", "2024-03-01"),
    ("2024-05-31", "P3M", "2024-04-01", "2024-07-01"),
    ("2024-03-06", "P1W", "2024-03-04", "2024-03-11"),
    ("2024-03-10T23:59", "P7D", "2024-03-04", "2024-03-11"),
    ("1969-12-31", "P1W", "1969-12-29", "1970-01-05"),
    ("2024-02-29T13:30", "P1D", "2024-02-29", "2024-03-01"),
    ("2024-02-29T13:30", "PT6H", "2024-02-29T12:00", "2024-02-29T18:00"),
]


@pytest.mark.parametrize(("instant", "text", "start", "end"), WINDOWS)
def test_a_window_is_aligned(instant: str, text: str, start: str, end: str) -> None:
    """Years begin in January, weeks on a Monday, days at midnight UTC; the end is the next one's beginning."""
    assert window_of(at(instant), read_duration(text)) == Window(start=at(start), end=at(end))


def test_a_window_closes_when_the_watermark_reaches_its_end() -> None:
    """An instant before the end leaves it open."""
    year = read_duration("P1Y")
    first = at("1975-07-01")
    assert [*closed_windows(first, at("1976-12-31T23:59:59.999999"), year)] == [
        Window(start=at("1975-01-01"), end=at("1976-01-01"))
    ]
    assert [one.start.year for one in closed_windows(first, at("1977-01-01"), year)] == [1975, 1976]


INSTANTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants naive limits
PERIODS = st.sampled_from(["P1Y", "P5Y", "P1M", "P7M", "P1W", "P1D", "P3D", "PT1H", "PT7M"]).map(read_duration)


@given(INSTANTS, PERIODS)
def test_every_instant_lies_in_exactly_one_window(instant: datetime, period: Period) -> None:
    """Its window holds it, and the next one begins where it ends."""
    window = window_of(instant, period)
    assert window.start <= instant < window.end
    assert window_of(window.end, period).start == window.end
    assert window_of(window.start, period) == window
