"""Drift of one feature between a training profile and a window: Azure's default metrics, and their noise."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Verdict = Literal["ok", "alert", "insufficient data"]
SMALLEST_SD = 0.001
"""Azure's floor under the baseline's standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """One feature: its metric, the value, what sampling noise alone is expected to give, and the verdict."""

    feature: str
    metric: str
    value: float
    noise: float | None
    """None: there are no rows to tell by."""
    threshold: float
    n: int
    verdict: Verdict


def drift_of(feature: str, profile: Mapping[str, Any], values: Sequence[Any], threshold: float) -> FeatureDrift:
    """Return the drift of a feature: normalized Wasserstein distance for numbers, Jensen-Shannon for categories.

    `profile` is that of the training data. It alerts when the distance less its expected noise is above the threshold;
    where the noise alone reaches the threshold the window is too small to tell, and says so.
    """
    if profile["kind"] == "numerical":
        return _numerical(feature, profile, values, threshold)
    return _categorical(feature, profile, values, threshold)


def _numerical(feature: str, profile: Mapping[str, Any], values: Sequence[Any], threshold: float) -> FeatureDrift:
    now = np.sort(np.array([float(value) for value in values if value is not None], dtype=float))
    now = now[~np.isnan(now)]
    base = np.array(profile["knots"], dtype=float)
    rows = profile["n"] - profile["null"]
    if len(now) == 0 or len(base) == 0:
        return _finding(feature, "normalized_wasserstein_distance", 0.0, None, threshold, 0)
    sd = max(float(profile["sd"]), SMALLEST_SD)
    value = wasserstein(base, now) / sd
    noise = _spread(base) * math.sqrt(2 / math.pi) * math.sqrt(1 / rows + 1 / len(now)) / sd
    return _finding(feature, "normalized_wasserstein_distance", value, noise, threshold, len(now))


def _categorical(feature: str, profile: Mapping[str, Any], values: Sequence[Any], threshold: float) -> FeatureDrift:
    now = Counter(str(value) for value in values if value is not None)
    base = Counter({str(name): int(count) for name, count in profile["counts"].items()})
    n, rows = sum(now.values()), sum(base.values())
    if n == 0 or rows == 0:
        return _finding(feature, "jensen_shannon_distance", 0.0, None, threshold, n)
    names = sorted(set(now) | set(base))
    one = np.array([base[name] / rows for name in names])
    other = np.array([now[name] / n for name in names])
    # E[JSD²] without drift is (k - 1) / (8 ln 2) · (1/n₁ + 1/n₂) bits: the distance is its root.
    noise = math.sqrt((len(names) - 1) / (8 * math.log(2)) * (1 / rows + 1 / n))
    return _finding(feature, "jensen_shannon_distance", jensen_shannon(one, other), noise, threshold, n)


def _finding(feature: str, metric: str, value: float, noise: float | None, threshold: float, n: int) -> FeatureDrift:
    verdict: Verdict = "ok"
    if noise is None or noise >= threshold:
        verdict = "insufficient data"
    elif value - noise > threshold:
        verdict = "alert"
    return FeatureDrift(
        feature=feature, metric=metric, value=value, noise=noise, threshold=threshold, n=n, verdict=verdict
    )


def wasserstein(one: Any, other: Any) -> float:
    """Return the first Wasserstein distance of two sorted samples: the area between their distribution functions."""
    everything = np.sort(np.concatenate([one, other]))
    widths = np.diff(everything)
    first = np.searchsorted(one, everything[:-1], side="right") / len(one)
    second = np.searchsorted(other, everything[:-1], side="right") / len(other)
    return float(np.sum(np.abs(first - second) * widths))


def jensen_shannon(one: Any, other: Any) -> float:
    """Return the Jensen-Shannon distance in base 2 of two distributions over the same categories."""
    middle = (one + other) / 2
    return math.sqrt(max(0.0, (_divergence(one, middle) + _divergence(other, middle)) / 2))


def _divergence(one: Any, other: Any) -> float:
    here = one > 0
    return float(np.sum(one[here] * np.log2(one[here] / other[here])))


def _spread(values: Any) -> float:
    """Return the integral of √(F(1-F)) of a sorted sample: what scales the noise of the Wasserstein distance."""
    shares = np.arange(1, len(values)) / len(values)
    return float(np.sum(np.sqrt(shares * (1 - shares)) * np.diff(values)))
