"""What may be logged: lengths, names and numbers, as MLflow 3.17 rules them (its `utils/validation.py`)."""

import math
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bucle import errors

LONGEST_KEY = 250
LONGEST_EXPERIMENT_NAME = 500
LONGEST_PARAMETER = 6000
LONGEST_TAG = 8000
MOST_METRICS = 1000
MOST_PARAMETERS = 100
MOST_TAGS = 100
MOST_IN_ALL = 1000
INFINITY = 1.7976931348623157e308
"""What ±Infinity is kept as: the largest finite double."""
RESERVED = "bucle."
"""Keys that only the platform writes: what a run says of its job can be believed."""
_NAME = re.compile(r"[/\w.\- :]*")
_INT64 = 1 << 63
_LONGEST_INSTANT_MS = _INT64 // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measurement: its value (0 where `is_nan`), its step, its time in microseconds."""

    key: str
    value: float
    is_nan: bool
    step: int
    logged_at: int


def metric(key: str, value: float, *, step: int, logged_ms: int) -> Metric:
    """Return a measurement that may be kept; ±Infinity becomes the largest double, BadRequest for a bad name."""
    check_key("metric", key)
    if not -_INT64 <= step < _INT64:
        raise errors.BadRequest("tracking.bad_field", field="step", wanted="a 64-bit integer", given=step)
    is_nan = math.isnan(value)
    kept = 0.0 if is_nan else max(-INFINITY, min(INFINITY, value))
    return Metric(key=key, value=kept, is_nan=is_nan, step=step, logged_at=micros_of_ms("timestamp", logged_ms))


def micros_of_ms(field: str, milliseconds: int) -> int:
    """Return microseconds; BadRequest when they do not fit in 64 bits."""
    if abs(milliseconds) >= _LONGEST_INSTANT_MS:
        raise errors.BadRequest("tracking.bad_field", field=field, wanted="milliseconds since 1970", given=milliseconds)
    return milliseconds * 1000


def check_key(kind: str, key: str) -> None:
    """Refuse a key that is empty, too long, or looks like a path that leaves its folder."""
    if not key or len(key) > LONGEST_KEY:
        raise errors.BadRequest("tracking.key_length", kind=kind, key=key[:80], longest=LONGEST_KEY)
    if not _NAME.fullmatch(key) or _no_unique_path(key):
        raise errors.BadRequest("tracking.key_name", kind=kind, key=key)


def refuse_reserved(keys: Sequence[str]) -> None:
    """Refuse keys of the platform's own; Refused names the first."""
    for key in keys:
        if key.startswith(RESERVED):
            raise errors.Refused("tracking.reserved_key", key=key, prefix=RESERVED)


def parameters(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return parameters that may be kept, long values cut; BadRequest when a key stands twice."""
    for key, _ in pairs:
        check_key("parameter", key)
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise errors.BadRequest("tracking.key_twice", key=twice)
    return {key: value[:LONGEST_PARAMETER] for key, value in found.items()}


def tags(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return tags that may be kept, long values cut; the last value of a key counts."""
    for key, _ in pairs:
        check_key("tag", key)
    return {key: value[:LONGEST_TAG] for key, value in pairs}


def check_batch(*, metrics: int, parameters: int, tags: int) -> None:
    """Refuse a batch beyond MLflow's limits."""
    limits = (
        ("metrics", metrics, MOST_METRICS),
        ("params", parameters, MOST_PARAMETERS),
        ("tags", tags, MOST_TAGS),
        ("entities", metrics + parameters + tags, MOST_IN_ALL),
    )
    for what, count, most in limits:
        if count > most:
            raise errors.BadRequest("tracking.batch_too_large", what=what, count=count, most=most)


def experiment_name(name: str) -> str:
    """Return a name that an experiment may have."""
    if not name or len(name) > LONGEST_EXPERIMENT_NAME:
        raise errors.BadRequest("tracking.experiment_name", name=name[:80], longest=LONGEST_EXPERIMENT_NAME)
    return name


def _no_unique_path(key: str) -> bool:
    plain = posixpath.normpath(key)
    return plain != key or plain == "." or plain.startswith(("..", "/"))
