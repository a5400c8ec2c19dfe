"""Drift against scipy, and its verdicts against the noise that drift-free samples show."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from bucle.core.drift import drift_of, jensen_shannon, wasserstein

SAMPLES = st.lists(st.floats(-1e3, 1e3, allow_nan=False), min_size=1, max_size=30)
COUNTS = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)


@given(SAMPLES, SAMPLES)
def test_the_distance_of_numbers_is_scipys(one: list[float], other: list[float]) -> None:
    """First Wasserstein distance of two samples of different sizes, ties included."""
    ours = wasserstein(np.sort(one), np.sort(other))
    assert ours == pytest.approx(wasserstein_distance(one, other), abs=1e-6)


@given(COUNTS, COUNTS)
def test_the_distance_of_categories_is_scipys(one: list[int], other: list[int]) -> None:
    """Jensen-Shannon distance in base 2, categories that one side lacks included."""
    first, second = np.array(one) / sum(one), np.array(other) / sum(other)
    assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, base=2), abs=1e-6)


def numbers(values: Any) -> dict[str, Any]:
    """Return the profile of a numeric column that is kept whole."""
    return {
        "kind": "numerical", "n": len(values), "null": 0,
        "knots": sorted(float(value) for value in values), "sd": float(np.std(values, ddof=1)),
    }  # fmt: skip


def words(values: Any) -> dict[str, Any]:
    """Return the profile of a column of categories."""
    return {"kind": "categorical", "n": len(values), "null": 0, "counts": dict(Counter(values))}


def test_the_noise_of_normal_numbers_is_what_theory_says() -> None:
    """For a normal the expected distance without drift is 1.29 √(1/n₁ + 1/n₂) sd (monitoring.md §3.3)."""
    chance = np.random.default_rng(3)
    found = drift_of("x", numbers(chance.normal(0, 1, 4000)), [*chance.normal(0, 1, 1000)], 0.1)
    assert found.noise == pytest.approx(1.29 * np.sqrt(1 / 4000 + 1 / 1000), rel=0.05)
    assert found.verdict == "ok"


def test_the_noise_of_categories_is_what_drift_free_samples_show() -> None:
    """The mean squared distance over 300 drift-free pairs of samples is near the square of the expected noise."""
    chance = np.random.default_rng(4)
    said = [
        drift_of("x", words(chance.choice([*"abcd"], 500)), [*chance.choice([*"abcd"], 200)], 0.2) for _ in range(300)
    ]
    noise = said[0].noise
    assert noise is not None
    assert np.mean([one.value**2 for one in said]) == pytest.approx(noise**2, rel=0.15)


def test_a_shift_alerts_and_no_shift_does_not() -> None:
    """Half a standard deviation over 2,000 rows: an alert; the same rows unmoved: none."""
    chance = np.random.default_rng(6)
    base, now = chance.normal(0, 1, 4000), chance.normal(0, 1, 2000)
    assert drift_of("x", numbers(base), [*now], 0.1).verdict == "ok"
    assert drift_of("x", numbers(base), [*(now + 0.5)], 0.1).verdict == "alert"
    few, many = [*"aaab"] * 300, [*"abbb"] * 300
    assert drift_of("x", words(few), few, 0.1).verdict == "ok"
    assert drift_of("x", words(few), many, 0.1).verdict == "alert"


@pytest.mark.parametrize("rows", [5, 30, 150])
def test_too_few_rows_say_insufficient_data_whatever_they_show(rows: int) -> None:
    """Where noise alone reaches the threshold nothing is said, not even when everything has moved."""
    chance = np.random.default_rng(7)
    base = numbers(chance.normal(0, 1, 150))
    assert drift_of("x", base, [*chance.normal(9, 1, rows)], 0.1).verdict == "insufficient data"


@pytest.mark.parametrize("values", [[], [None, None]])
def test_no_value_is_never_no_drift(values: list[None]) -> None:
    """A column without values is insufficient data, and what is said of it is JSON."""
    for profile in (numbers([1.0, 2.0, 3.0]), words([*"abc"])):
        found = drift_of("x", profile, values, 0.1)
        assert (found.verdict, found.n) == ("insufficient data", 0)
        json.dumps(found.noise, allow_nan=False)
