"""Metrics against scikit-learn, parts against counts by hand, bounds and comparisons against what they mean."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from bucle import errors
from bucle.core.evaluation import METRICS, Rows, Task, compare, evaluate, measure, read_evaluation

REGRESSION: dict[str, Any] = {
    "mae": metrics.mean_absolute_error,
    "mse": metrics.mean_squared_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
}
CLASSIFICATION: dict[str, Any] = {
    "accuracy": metrics.accuracy_score,
    "precision": lambda y, p: metrics.precision_score(y, p, average="macro", zero_division=0),
    "recall": lambda y, p: metrics.recall_score(y, p, average="macro", zero_division=0),
    "f1": lambda y, p: metrics.f1_score(y, p, average="macro", zero_division=0),
}
NUMBERS = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))
WORDS = st.sampled_from(["cat", "dog", "owl"])


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=40))
def test_regression_metrics_are_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    """Every metric of a regression is scikit-learn's, where the labels are not all the same."""
    target, prediction = (np.array(column) for column in zip(*pairs, strict=True))
    for name, oracle in REGRESSION.items():
        if name != "r2" or np.ptp(target) > 0:
            assert METRICS["regression"][name](target, prediction) == pytest.approx(oracle(target, prediction))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40))
def test_classification_metrics_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    """Every metric of a classification is scikit-learn's macro average, classes that nobody predicted included."""
    target, prediction = (np.array(column) for column in zip(*pairs, strict=True))
    for name, oracle in CLASSIFICATION.items():
        assert METRICS["classification"][name](target, prediction) == pytest.approx(oracle(target, prediction))


def test_a_bias_has_a_sign() -> None:
    """Predictions that are too high give a positive bias."""
    assert measure("bias", np.array([1.0, 2.0]), np.array([2.0, 4.0])).value == 1.5


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_an_unknown_metric_is_refused_with_those_that_there_are(task: Task) -> None:
    """The refusal names the metrics."""
    known = next(iter(METRICS[task]))
    assert measure(known, np.array([1.0]), np.array([1.0])).n == 1
    with pytest.raises(errors.BadRequest, match=known):
        measure("beauty", np.array([1.0]), np.array([1.0]))


def rows_of(errors_by_region: dict[str, list[float]]) -> Rows:
    """Return rows whose target is 10 and whose predictions are off by the given errors."""
    off = [one for values in errors_by_region.values() for one in values]
    region = [name for name, values in errors_by_region.items() for _ in values]
    target = np.full(len(off), 10.0)
    return Rows(target=target, prediction=target + np.array(off), columns={"region": region})


def test_each_part_is_measured_on_its_own_rows() -> None:
    """Mean error and number of rows of each region, worked out by hand; the whole is not the mean of the parts."""
    found = evaluate(rows_of({"north": [1.0, -1.0, 4.0], "south": [-5.0]}), "regression")
    told = {part.value: (part.measured[0].value, part.measured[0].n) for part in found.parts}
    assert told == {"north": (2.0, 3), "south": (5.0, 1)}
    assert (found.of("mae").value, found.of("mae").n) == (2.75, 4)


def test_an_evaluation_is_read_as_it_was_written() -> None:
    """What is stored as JSON comes back equal."""
    found = evaluate(rows_of({"north": [1.0, 2.0], "south": [3.0]}), "regression")
    assert read_evaluation(found.document()) == found


def test_bounds_hold_the_figure_and_come_out_the_same_twice() -> None:
    """5 % and 95 % of a mean of 400 unit normals lie about 1.645 / √400 beside it (normal theory)."""
    noise = np.random.default_rng(5).normal(0, 1, 400)
    rows = Rows(target=np.zeros(400), prediction=noise, columns={})
    bias = evaluate(rows, "regression").of("bias")
    assert bias.value - bias.low == pytest.approx(1.645 * noise.std() / 20, rel=0.1)
    assert bias.high - bias.value == pytest.approx(1.645 * noise.std() / 20, rel=0.1)
    assert evaluate(rows, "regression").of("bias") == bias


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1), ("maximize", -1)])
def test_a_gain_is_in_the_direction_of_the_metric(direction: Any, sign: int) -> None:
    """Champion off by 2, candidate by 1 on every row: the gain is 1 and certain; for a metric to be large it is -1."""
    champion, candidate = rows_of({"north": [2.0] * 30}), rows_of({"north": [1.0] * 30})
    found = compare(champion, candidate, "mae", direction)
    assert (found.champion, found.candidate, found.gain, found.bound, found.n) == (2.0, 1.0, sign, sign, 30)


def test_a_gain_by_chance_has_a_bound_below_zero() -> None:
    """Two models that err alike on average: the bound does not say that one is better."""
    chance = np.random.default_rng(1)
    target = np.zeros(60)
    first, second = (Rows(target=target, prediction=chance.normal(0, 1, 60), columns={}) for _ in range(2))
    assert compare(first, second, "mae", "minimize").bound < 0
    assert compare(second, first, "mae", "minimize").bound < 0
