"""What a closed window says: performance by its bound, drift by its noise, and the truth where there is not enough."""

import json
from typing import Any

import numpy as np
import pytest

from bucle.core.evaluation import METRICS, Rows
from bucle.core.monitor import Signal, judge_drift, judge_performance, numbers_of, signals_of
from bucle.core.windows import Period
from bucle.spec.monitor import Monitor

YEAR = Period(months=12)


def signal(**changes: Any) -> Signal:
    """Return a signal on the mean absolute error."""
    words: dict[str, Any] = {
        "name": "performance", "kind": "model_performance", "period": YEAR, "metric": "mae", "threshold": 2.0,
        "categorical_threshold": 0.1, "alerts": True, **changes,
    }  # fmt: skip
    return Signal(**words)


def rows(count: int, off: float) -> Rows:
    """Return labelled rows, half of them too high and half too low by `off`, in two groups."""
    signs = np.array([1, -1] * count)[:count]
    return Rows(target=np.zeros(count), prediction=off * signs, columns={"origin": ["usa", "japan"] * (count // 2)})


def test_an_alert_says_how_much_how_many_and_what_to_do() -> None:
    """Value, bounds, threshold, rows, labels, groups, advice: what a person needs to act."""
    said = judge_performance(signal(), rows(40, 3.0), 40, "regression")
    assert (said.verdict, said.value, said.low, said.threshold) == ("alert", 3.0, 3.0, 2.0)
    assert (said.rows, said.labelled, said.advice) == (40, 40, "retrain")
    assert {(one["part"], one["value"], one["n"]) for one in said.details["groups"]} == {
        ("usa", 3.0, 20),
        ("japan", 3.0, 20),
    }
    assert "2" in said.why


def test_it_alerts_on_the_bound_and_not_on_the_figure() -> None:
    """A mean beyond the threshold whose 95 % bound is not beyond it is chance, and no alert."""
    off = np.array([0.0, 5.0] * 15)
    told = Rows(target=np.zeros(30), prediction=off, columns={})
    said = judge_performance(signal(threshold=2.3), told, 30, "regression")
    assert said.value == 2.5
    assert said.verdict == "ok"


def test_a_silent_signal_never_alerts() -> None:
    """`alert_enabled: false`."""
    assert judge_performance(signal(alerts=True), rows(40, 3.0), 40, "regression").verdict == "alert"
    assert judge_performance(signal(alerts=False), rows(40, 3.0), 40, "regression").verdict == "ok"


def test_accuracy_alerts_below_its_bound() -> None:
    """A classifier's metrics are lower bounds."""
    right, wrong = np.array([*"ab"] * 20), np.array([*"ba"] * 20)
    accuracy = signal(metric="accuracy", threshold=0.9)
    good, bad = (Rows(target=right, prediction=said, columns={}) for said in (right, wrong))
    assert judge_performance(accuracy, good, 40, "classification").verdict == "ok"
    assert judge_performance(accuracy, bad, 40, "classification").verdict == "alert"


ENOUGH = [(0, None, "no data"), (40, None, "insufficient data"), (40, 19, "insufficient data"), (40, 20, "alert")]


@pytest.mark.parametrize(("total", "labelled", "verdict"), ENOUGH)
def test_too_few_labels_are_never_ok(total: int, labelled: int | None, verdict: str) -> None:
    """No row: no data. Fewer than twenty labels: insufficient data, whatever they show."""
    told = None if labelled is None else Rows(target=np.zeros(labelled), prediction=np.full(labelled, 9.0), columns={})
    assert judge_performance(signal(), told, total, "regression").verdict == verdict


@pytest.mark.parametrize(("total", "provisional"), [(25, False), (26, True)])
def test_it_is_provisional_until_four_fifths_have_labels(total: int, provisional: bool) -> None:  # noqa: FBT001  a table's column
    """20 of 25 are covered, 20 of 26 are not."""
    details = judge_performance(signal(), rows(20, 1.0), total, "regression").details
    assert details["provisional"] is provisional
    assert details["coverage"] == 20 / total


NUMBERS = {"kind": "numerical", "n": 2000, "null": 0, "knots": [*np.linspace(0, 1, 500)], "sd": 0.29}
DRIFT = {"kind": "data_drift", "metric": "normalized_wasserstein_distance", "threshold": 0.1}
WINDOWS: list[tuple[list[float | None], str]] = [
    ([*np.linspace(0, 1, 2000)], "ok"),
    ([*np.linspace(1, 2, 2000)], "alert"),
    ([*np.linspace(1, 2, 20)], "insufficient data"),
    ([None] * 50, "insufficient data"),
    ([], "no data"),
]


@pytest.mark.parametrize(("values", "verdict"), WINDOWS)
def test_drift_is_judged_beside_its_noise(values: list[float | None], verdict: str) -> None:
    """Moved: an alert. Too few rows, or none with a value: insufficient data. No row: no data. All of it is JSON."""
    said = judge_drift(signal(**DRIFT), {"columns": {"x": NUMBERS}}, {"x": values})
    assert said.verdict == verdict
    json.dumps(said.document(), allow_nan=False)


def test_columns_that_the_profile_does_not_know_are_not_no_drift() -> None:
    """Nothing could be compared, so nothing is said."""
    assert judge_drift(signal(**DRIFT), {}, {"x": [1.0] * 50}).verdict == "insufficient data"


def monitor(**signals: Any) -> Monitor:
    """Return a monitor with these signals."""
    definition = {"compute": {"instance_type": "local"}, "monitoring_signals": signals}
    trigger = {"type": "recurrence", "frequency": "day", "interval": 1}
    return Monitor.model_validate({"name": "cars", "trigger": trigger, "create_monitor": definition})


def performance(**thresholds: Any) -> dict[str, Any]:
    """Return a performance signal of a year."""
    data = {"input_data": {"type": "uri_folder", "path": "azureml:x:1"}, "data_window": {"lookback_window_size": "P1Y"}}
    return {
        "type": "model_performance", "production_data": data, "metric_thresholds": thresholds, "alert_enabled": True,
    }  # fmt: skip


def test_a_signal_of_two_bounds_is_two_signals() -> None:
    """Each bound is judged by itself, under its own name."""
    (one,) = signals_of(monitor(error=performance(regression={"mae": 3.0})))
    assert (one.name, one.metric, one.threshold, one.period, one.alerts) == ("error", "mae", 3.0, YEAR, True)
    two = signals_of(monitor(error=performance(regression={"mae": 3.0, "rmse": 4.0})))
    assert {(found.name, found.threshold) for found in two} == {("error-mae", 3.0), ("error-rmse", 4.0)}


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1_score"])
def test_every_bound_that_azure_writes_has_its_metric(name: str) -> None:
    """Azure's `f1_score` is our `f1`; a bound whose metric nobody computes would never be judged."""
    (found,) = signals_of(monitor(error=performance(classification={name: 0.9})))
    assert found.metric in METRICS["classification"]


def test_drift_without_thresholds_has_azures() -> None:
    """0.1 for both kinds; a threshold of zero is a threshold."""
    (found,) = signals_of(monitor(drift={"type": "data_drift"}))
    assert (found.threshold, found.categorical_threshold, found.alerts) == (0.1, 0.1, False)
    zero = {"numerical": {"normalized_wasserstein_distance": 0.0}}
    (found,) = signals_of(monitor(drift={"type": "data_drift", "metric_thresholds": zero}))
    assert (found.threshold, found.categorical_threshold) == (0.0, 0.1)


def test_a_class_is_the_same_however_json_writes_it() -> None:
    """A label 1 and a prediction 1.0 agree; 1.5 and 2 do not, nor do two words."""
    label, prediction = numbers_of([(1, 1.0), (2, 1.5), ("cat", "dog"), ("cat", "cat")], "classification")
    assert [*(label == prediction)] == [True, False, False, True]
