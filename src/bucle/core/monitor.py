"""Signals of a monitor: what is watched over which window, and what a closed window says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

import numpy as np

from bucle.core.drift import FeatureDrift, drift_of
from bucle.core.evaluation import Rows, Task, evaluate, find, measure
from bucle.core.windows import Period, read_duration
from bucle.spec.monitor import (
    CategoricalDrift,
    DriftSignal,
    DriftThresholds,
    Monitor,
    NumericalDrift,
    PerformanceSignal,
)

Verdict = Literal["ok", "alert", "insufficient data", "no data", "failed"]
Advice = Literal["ignore", "fix data", "retrain", "roll back"]

LEAST_LABELLED = 20
"""Fewer labelled rows than this say nothing of a model's performance."""
LEAST_GROUP = 20
COVERED = 0.8
"""The share of a window's rows that must have labels before its performance is final."""
DEFAULT_DRIFT = 0.1
"""Azure's default threshold of both drift metrics."""
DEFAULT_WINDOW = Period(length=timedelta(days=1))
AZURE_METRICS = {"f1_score": "f1"}
"""Azure's names of metrics that have another name here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal: what kind, over which window, against which bound, and whether it alerts."""

    name: str
    kind: Literal["model_performance", "data_drift"]
    period: Period
    metric: str
    threshold: float
    categorical_threshold: float
    alerts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a window says of one signal: the verdict, the figure with its bounds, rows, labels, and what to do."""

    signal: str
    verdict: Verdict
    why: str
    metric: str | None
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    rows: int
    labelled: int
    advice: Advice | None
    details: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the finding as plain JSON."""
        return asdict(self)


def signals_of(monitor: Monitor) -> tuple[Signal, ...]:
    """Return the signals of a monitor that are computed here; the others of its file are another version's."""
    found: list[Signal] = []
    for name, signal in (monitor.create_monitor.monitoring_signals or {}).items():
        match signal:
            case PerformanceSignal():
                found.extend(_performance_signals(name, signal))
            case DriftSignal(type="data_drift"):
                found.append(_drift_signal(name, signal))
            case _:
                continue
    return tuple(found)


def judge_performance(signal: Signal, rows: Rows | None, total: int, task: Task) -> Finding:
    """Judge a window by its labelled rows: it alerts when the 95 % bound of the error, not the error, is beyond.

    `rows` are those with labels (None: there are none), `total` counts all that were scored.
    """
    if total == 0:
        return _finding(signal, "no data", "nothing was scored in this window", total, 0)
    labelled = 0 if rows is None else len(rows.target)
    if rows is None or labelled < LEAST_LABELLED:
        return _finding(signal, "insufficient data", f"{labelled} labels of {LEAST_LABELLED}", total, labelled)
    measured = measure(signal.metric, rows.target, rows.prediction)
    higher_is_worse = task == "regression"
    beyond = measured.low > signal.threshold if higher_is_worse else measured.high < signal.threshold
    evaluation = evaluate(rows, task)
    details = {
        "overall": [asdict(one) for one in evaluation.overall],
        "groups": [
            {"column": part.column, "part": part.value, **asdict(find(part.measured, signal.metric))}
            for part in evaluation.parts
        ],
        "coverage": labelled / total,
        "provisional": labelled / total < COVERED,
    }
    bound = measured.low if higher_is_worse else measured.high
    why = f"95 % bound {bound:.4g} against {signal.threshold:.4g}"
    verdict: Verdict = "alert" if beyond and signal.alerts else "ok"
    return Finding(
        signal=signal.name,
        verdict=verdict,
        why=why,
        metric=signal.metric,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        threshold=signal.threshold,
        rows=total,
        labelled=labelled,
        advice="retrain" if verdict == "alert" else None,
        details=details,
    )


def could_not_judge(signal: Signal, why: str, total: int, labelled: int) -> Finding:
    """Say that a window could not be judged, and why; that is an alert of its own, never silence."""
    return _finding(signal, "failed", why, total, labelled)


def judge_drift(signal: Signal, profile: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> Finding:
    """Judge a window's inputs against the training profile; drift alone is a diagnosis, so it advises to look."""
    total = max((len(values) for values in columns.values()), default=0)
    if total == 0:
        return _finding(signal, "no data", "nothing was scored in this window", 0, 0)
    known = profile.get("columns", {})
    drifts = [_feature(signal, name, known[name], values) for name, values in columns.items() if name in known]
    drifts.sort(key=lambda one: one.value, reverse=True)
    verdicts = {one.verdict for one in drifts}
    verdict: Verdict = "ok"
    if "alert" in verdicts and signal.alerts:
        verdict = "alert"
    elif verdicts == {"insufficient data"}:
        verdict = "insufficient data"
    worst = drifts[0] if drifts else None
    told = "no feature of the profile was sent"
    if worst is None:
        verdict = "insufficient data"  # missing data is never "no drift"
    else:
        noise = "unknown: it has no values" if worst.noise is None else f"{worst.noise:.2f}"
        told = f"{worst.feature} {worst.value:.2f}, noise alone {noise}"
    return Finding(
        signal=signal.name,
        verdict=verdict,
        why=told,
        metric=None if worst is None else worst.metric,
        value=None if worst is None else worst.value,
        low=None,
        high=None,
        threshold=signal.threshold,
        rows=total,
        labelled=0,
        advice="fix data" if verdict == "alert" else None,
        details={"features": [asdict(one) for one in drifts]},
    )


def numbers_of(rows: Sequence[tuple[Any, Any]], task: Task) -> tuple[Any, Any]:
    """Return labels and predictions of pairs as arrays of the task's kind."""
    if task == "regression":
        return np.array([one for one, _ in rows], dtype=np.float64), np.array([other for _, other in rows], np.float64)
    return np.array([_class(one) for one, _ in rows], np.str_), np.array([_class(other) for _, other in rows], np.str_)


def _class(value: Any) -> str:
    """Return the name of a class: JSON does not tell 1 from 1.0, and a model may say either."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _feature(signal: Signal, name: str, profile: Mapping[str, Any], values: Sequence[Any]) -> FeatureDrift:
    numerical = profile["kind"] == "numerical"
    return drift_of(name, profile, values, signal.threshold if numerical else signal.categorical_threshold)


def _performance_signals(name: str, signal: PerformanceSignal) -> list[Signal]:
    thresholds = signal.metric_thresholds
    given = thresholds and (thresholds.regression or thresholds.classification)
    production = signal.production_data[0] if isinstance(signal.production_data, list) else signal.production_data
    bounds = {} if given is None else {metric: bound for metric, bound in given if bound is not None}
    return [
        Signal(
            name=name if len(bounds) == 1 else f"{name}-{metric}",
            kind="model_performance",
            period=_period(production and production.data_window),
            metric=AZURE_METRICS.get(metric, metric),
            threshold=bound,
            categorical_threshold=bound,
            alerts=bool(signal.alert_enabled),
        )
        for metric, bound in bounds.items()
    ]


def _drift_signal(name: str, signal: DriftSignal) -> Signal:
    thresholds = signal.metric_thresholds or DriftThresholds()
    number = (thresholds.numerical or NumericalDrift()).normalized_wasserstein_distance
    category = (thresholds.categorical or CategoricalDrift()).jensen_shannon_distance
    return Signal(
        name=name,
        kind="data_drift",
        period=_period(signal.production_data and signal.production_data.data_window),
        metric="normalized_wasserstein_distance",
        threshold=DEFAULT_DRIFT if number is None else number,
        categorical_threshold=DEFAULT_DRIFT if category is None else category,
        alerts=bool(signal.alert_enabled),
    )


def _period(window: Any) -> Period:
    size = window and window.lookback_window_size
    return read_duration(size) if size else DEFAULT_WINDOW


def _finding(signal: Signal, verdict: Verdict, why: str, rows: int, labelled: int) -> Finding:
    return Finding(
        signal=signal.name,
        verdict=verdict,
        why=why,
        metric=signal.metric,
        value=None,
        low=None,
        high=None,
        threshold=signal.threshold,
        rows=rows,
        labelled=labelled,
        advice=None,
        details={},
    )
