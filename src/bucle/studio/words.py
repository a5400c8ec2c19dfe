"""How pages write figures, instants and ages, and draw small series: plain functions, used as filters of templates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 120.0, 34.0, 4.0
_AGES = ((86_400 * 2, 86_400, "d"), (3_600 * 2, 3_600, "h"), (60, 60, "min"), (0, 1, "s"))
"""From so many seconds on, counted in units of so many, called so."""


def instant(text: str) -> datetime:
    """Return the aware instant of RFC 3339 text."""
    return datetime.fromisoformat(text)


def age(text: str, now: str) -> str:
    """Return how long ago `text` was, as `4 min`."""
    seconds = max(0.0, (instant(now) - instant(text)).total_seconds())
    unit, word = next((unit, word) for least, unit, word in _AGES if seconds >= least)
    return f"{seconds // unit:.0f} {word}"


def clock(text: str, now: str | None = None) -> str:
    """Return the time of an instant in UTC, with its day unless that is today."""
    at = instant(text)
    same_day = now is not None and instant(now).date() == at.date()
    return f"{at:%H:%M:%S}" if same_day else f"{at:%d %b %Y, %H:%M}"


def figure(value: float | None) -> str:
    """Return a figure with three significant digits, and whole from a thousand on."""
    if value is None:
        return "n/a"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share of a hundred, as `50 %`."""
    return f"{share:g} %"


def short(digest: str | None) -> str:
    """Return a digest as people compare it: `sha256:5c1e…90ab`."""
    if digest is None:
        return "none"
    kind, _, text = digest.rpartition(":")
    return f"{kind}:{text[:4]}…{text[-4:]}" if kind else text[:10]


def verdicts(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return how many checks ended how, as `7 passed, 1 inconclusive`."""
    counted = Counter(check["verdict"] for check in checks)
    told = (("pass", "passed"), ("fail", "failed"), ("inconclusive", "inconclusive"))
    return ", ".join(f"{counted[verdict]} {word}" for verdict, word in told if counted[verdict])


def worst_first(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return checks with those that stop at the top, else in their order."""
    order = ("fail", "inconclusive", "pass")
    return sorted(checks, key=lambda check: order.index(check["verdict"]))


def shell(text: str) -> str:
    """Return a word of a command line, quoted where a shell needs it."""
    plain = text and all(letter.isalnum() or letter in "-_.:/@" for letter in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def heights(series: Sequence[float], threshold: float | None = None) -> tuple[str, float | None]:
    """Return the points of a series for an SVG polyline, and the height of its threshold; high values stand high."""
    known = [*series, *([] if threshold is None else [threshold])]
    low, high = min(known), max(known)
    room = SPARK_HEIGHT - 2 * SPARK_MARGIN

    def height(value: float) -> float:
        share = 0.5 if high == low else (value - low) / (high - low)
        return round(SPARK_HEIGHT - SPARK_MARGIN - share * room, 1)

    step = SPARK_WIDTH / max(1, len(series) - 1)
    points = " ".join(f"{round(place * step, 1)},{height(value)}" for place, value in enumerate(series))
    return points, None if threshold is None else height(threshold)


FILTERS = {
    "age": age,
    "clock": clock,
    "figure": figure,
    "percent": percent,
    "short": short,
    "verdicts": verdicts,
    "worst_first": worst_first,
    "shell": shell,
    "heights": heights,
}
