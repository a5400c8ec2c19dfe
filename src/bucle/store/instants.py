"""Instants as the records keep them: integer microseconds since 1970 UTC, aware datetimes outside."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Return microseconds since 1970 UTC of an aware instant."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def of_micros(micros: int) -> datetime:
    """Return the aware UTC instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def to_text(at: datetime) -> str:
    """Return RFC 3339 UTC with `Z`, as every door writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def text_of_micros(micros: int | None) -> str | None:
    """Return RFC 3339 of microseconds since 1970, or None for none."""
    return None if micros is None else to_text(of_micros(micros))
