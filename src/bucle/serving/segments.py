"""What was collected: sealed segments of the gateway, read as rows with correlation id, event time and prediction."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bucle.runtime.payload import PayloadError, read_table
from bucle.runtime.segment import LIVE, REPLAYED, SEALED, Collected, read_segment
from bucle.store.instants import of_micros

_AHEAD = timedelta(minutes=5)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row that was scored. `columns` are as they were sent, those that pass through included.

    `event_at` is the release's event time column, else the instant of acceptance; None when the column holds no
    instant, or one that cannot be: a fault to be counted, not a time to be used.
    """

    correlation_id: str
    request_id: str
    accepted_at: datetime
    event_at: datetime | None
    stage: str
    endpoint: str
    deployment: str
    release: str
    model: str
    columns: Mapping[str, Any]
    prediction: Any


def sealed(folder: Path, *, replayed: bool = False) -> list[Path]:
    """Return the segments that are whole, oldest first: of live traffic, or of the server's own replays."""
    kind = REPLAYED if replayed else LIVE
    return sorted(folder.glob(f"{kind}*{SEALED}"))


def requests_of(segment: Path) -> list[Collected]:
    """Return the requests of a segment, refused and failed ones included; what a power loss cut off is left out."""
    return read_segment(segment)[0]


def rows_of(collected: Collected, event_time: str | None) -> Iterator[Row]:
    """Yield the rows of one request that got predictions, none of any other.

    A request of one row answers to its own id, row `i` of several to `<request>_<i>`.
    """
    if collected.status != 200:
        return
    try:
        table = read_table(collected.request)
    except PayloadError:  # the worker took it, so this is a body that the disk changed
        return
    predictions = json.loads(collected.response)
    accepted_at = of_micros(collected.accepted_us)
    for place, prediction in enumerate(predictions):
        columns = table.record(place)
        yield Row(
            correlation_id=collected.request_id if len(predictions) == 1 else f"{collected.request_id}_{place}",
            request_id=collected.request_id,
            accepted_at=accepted_at,
            event_at=accepted_at if event_time is None else event_instant(columns.get(event_time), accepted_at),
            stage=collected.stage,
            endpoint=collected.endpoint,
            deployment=collected.deployment,
            release=collected.release,
            model=collected.model,
            columns=columns,
            prediction=prediction,
        )


def event_instant(value: Any, accepted_at: datetime) -> datetime | None:
    """Return the instant that an event time column holds (ISO 8601; without an offset: UTC), or None for a fault.

    More than five minutes ahead of the wall clock, or before 1900, is a fault.
    """
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    instant = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return instant if _EARLIEST <= instant <= accepted_at + _AHEAD else None
