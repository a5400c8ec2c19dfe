"""Schedules as their documents write them: the trigger as a value, and the job that each firing submits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from bucle import errors
from bucle.core import schedule as core
from bucle.core.schedule import RecurrencePattern, Trigger, check_trigger
from bucle.spec import references, schedule
from bucle.spec.references import Asset

PRINCIPAL = "bucle.principal"
"""The property of a schedule's document that names the service it runs as."""


def trigger_of(words: schedule.Trigger, created_at: datetime) -> Trigger:
    """Return a document's trigger; a recurrence without a start begins with the schedule. BadRequest if unreadable.

    Times without an offset are those of the trigger's time zone.
    """
    zone = words.time_zone or "UTC"
    check_trigger(core.CronTrigger(expression="* * * * *", time_zone=zone))
    start_at, end_at = (_instant(text, zone) for text in (words.start_time, words.end_time))
    made: Trigger
    match words:
        case schedule.CronTrigger():
            made = core.CronTrigger(expression=words.expression, time_zone=zone, start_at=start_at, end_at=end_at)
        case schedule.RecurrenceTrigger():
            made = core.RecurrenceTrigger(
                frequency=words.frequency,
                interval=words.interval,
                start_at=start_at or created_at,
                schedule=_pattern(words.schedule),
                time_zone=zone,
                end_at=end_at,
            )
        case _:
            assert_never(words)
    check_trigger(made)
    return made


def job_named(document: Mapping[str, Any]) -> str | None:
    """Return the name of the job that `create_job` refers to, or None where it holds the job itself."""
    created = document["create_job"]
    reference = created.get("job") if isinstance(created, Mapping) else created
    if not isinstance(reference, str):
        return None
    found = references.parse(reference)
    if not isinstance(found, Asset) or found.version is not None or found.label is not None:
        raise errors.BadRequest("schedule.not_a_job", reference=reference)
    return found.name


def job_document(document: Mapping[str, Any], named: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the document of the job that each firing submits: `named`, or the one in place, with what is changed.

    Inputs, outputs, settings, tags and properties are changed entry by entry, all else as a whole.
    """
    created = document["create_job"]
    if not isinstance(created, Mapping):
        return _unnamed(named or {})
    if "job" not in created:
        return _unnamed(created)
    base = _unnamed(named if named is not None else created["job"])
    for name, value in created.items():
        if name in {"job", "type"}:
            continue
        base[name] = {**base.get(name, {}), **value} if isinstance(value, Mapping) else value
    return base


def _unnamed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "name"}


def _instant(text: str | None, zone: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise errors.BadRequest("schedule.instant", text=text) from None
    local = found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


def _pattern(words: schedule.RecurrencePattern | None) -> RecurrencePattern | None:
    if words is None:
        return None
    return RecurrencePattern(
        hours=_numbers(words.hours),
        minutes=_numbers(words.minutes),
        week_days=(words.week_days,) if isinstance(words.week_days, str) else tuple(words.week_days or ()),
        month_days=_numbers(words.month_days),
    )


def _numbers(value: int | list[int] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
