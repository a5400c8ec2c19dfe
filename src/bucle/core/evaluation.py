"""How good predictions are: metrics over all rows and over each segment and group, each with its interval and its n."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bucle import errors

Task = Literal["regression", "classification"]
Metric = Callable[[Any, Any], Any]
"""A figure of labels and predictions, along the last axis."""

CONFIDENCE = 0.95
"""Of each one-sided bound: `low` and `high` are the 5 % and 95 % quantiles of the bootstrap."""
RESAMPLES = 10_000
SEED = 0
MOST_BOOTSTRAP_ROWS = 2_000
"""Above this many rows a random subset of the resamples' work is done: the interval is narrow anyway."""


MOST_AT_ONCE = 1_000_000
"""Row numbers of resamples that are held in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric over `n` rows, with the one-sided 95 % bounds below and above it."""

    metric: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The metrics of the rows whose `column` has the value `value`."""

    column: str
    value: str
    measured: tuple[Measured, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Scored rows: what was true, what was predicted, and the values of the columns that make segments and groups."""

    target: npt.NDArray[Any]
    prediction: npt.NDArray[Any]
    columns: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything measured on one set of rows."""

    overall: tuple[Measured, ...]
    parts: tuple[Part, ...]

    def of(self, metric: str) -> Measured:
        """Return the overall figure of a metric; BadRequest when it was not computed."""
        return find(self.overall, metric)

    def document(self) -> dict[str, Any]:
        """Return the evaluation as plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Candidate against champion on the same rows: how much less its error is, and the bound below that."""

    metric: str
    champion: float
    candidate: float
    gain: float
    bound: float
    n: int


def evaluate(rows: Rows, task: Task) -> Evaluation:
    """Measure all metrics of the task over all rows and over each value of each column."""
    metrics = METRICS[task]
    parts = []
    for column, values in rows.columns.items():
        for value in sorted(set(values)):
            here = np.array([one == value for one in values])
            measured = _measure(metrics, rows.target[here], rows.prediction[here])
            parts.append(Part(column=column, value=value, measured=measured))
    return Evaluation(overall=_measure(metrics, rows.target, rows.prediction), parts=tuple(parts))


def compare(champion: Rows, candidate: Rows, metric: str, direction: Literal["minimize", "maximize"]) -> Compared:
    """Compare two models on the same rows: gain of the candidate, its one-sided 95 % bound by paired bootstrap."""
    judge = metric_of(metric)
    sign = 1.0 if direction == "minimize" else -1.0
    truth = candidate.target

    def gain(picked: Any) -> Any:
        before = judge(truth[picked], champion.prediction[picked])
        return sign * (before - judge(truth[picked], candidate.prediction[picked]))

    everything = np.arange(len(truth))
    return Compared(
        metric=metric,
        champion=float(judge(truth, champion.prediction)),
        candidate=float(judge(truth, candidate.prediction)),
        gain=float(gain(everything)),
        bound=_bounds(gain, len(truth))[0],
        n=len(truth),
    )


def find(measured: Sequence[Measured], metric: str) -> Measured:
    """Return the figure of a metric; BadRequest names those that there are."""
    for one in measured:
        if one.metric == metric:
            return one
    raise errors.BadRequest("evaluation.no_metric", metric=metric, known=", ".join(one.metric for one in measured))


def metric_of(name: str) -> Metric:
    """Return the function of a metric; BadRequest names those that there are."""
    known = {**METRICS["regression"], **METRICS["classification"]}
    if name not in known:
        raise errors.BadRequest("evaluation.no_metric", metric=name, known=", ".join(known))
    return known[name]


def read_evaluation(document: Mapping[str, Any]) -> Evaluation:
    """Return the evaluation that `Evaluation.document` wrote."""
    return Evaluation(
        overall=tuple(Measured(**row) for row in document["overall"]),
        parts=tuple(
            Part(column=row["column"], value=row["value"], measured=tuple(Measured(**one) for one in row["measured"]))
            for row in document["parts"]
        ),
    )


def measure(metric: str, target: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> Measured:
    """Measure one metric over at least one row."""
    (measured,) = _measure({metric: metric_of(metric)}, target, prediction)
    return measured


def _measure(metrics: Mapping[str, Metric], target: Any, prediction: Any) -> tuple[Measured, ...]:
    def one(name: str, judge: Metric) -> Measured:
        low, high = _bounds(lambda picked: judge(target[picked], prediction[picked]), len(target))
        return Measured(metric=name, value=float(judge(target, prediction)), low=low, high=high, n=len(target))

    return tuple(one(name, judge) for name, judge in metrics.items())


def _bounds(statistic: Callable[[Any], Any], n: int) -> tuple[float, float]:
    """Return the 5 % and 95 % quantiles of a statistic over resampled rows (percentile bootstrap, seeded).

    `statistic` takes a matrix of row numbers, one resample a line, and gives one value a line.
    """
    chance = np.random.default_rng(SEED)
    resamples = RESAMPLES if n <= MOST_BOOTSTRAP_ROWS else max(200, RESAMPLES * MOST_BOOTSTRAP_ROWS // n)
    at_once = max(1, MOST_AT_ONCE // n)
    found = [
        statistic(chance.integers(0, n, (min(at_once, resamples - done), n))) for done in range(0, resamples, at_once)
    ]
    low, high = np.quantile(np.concatenate(found), (1 - CONFIDENCE, CONFIDENCE))
    return float(low), float(high)


# The metrics work along the last axis: on one sample, or on a matrix of resamples at once.


def _mae(target: Any, prediction: Any) -> Any:
    return np.mean(np.abs(prediction - target), axis=-1)


def _mse(target: Any, prediction: Any) -> Any:
    return np.mean((prediction - target) ** 2, axis=-1)


def _rmse(target: Any, prediction: Any) -> Any:
    return np.sqrt(_mse(target, prediction))


def _bias(target: Any, prediction: Any) -> Any:
    return np.mean(prediction - target, axis=-1)


def _r2(target: Any, prediction: Any) -> Any:
    spread = np.sum((target - np.mean(target, axis=-1, keepdims=True)) ** 2, axis=-1)
    left = np.sum((target - prediction) ** 2, axis=-1)
    return np.where(spread == 0, 0.0, 1.0 - left / np.where(spread == 0, 1.0, spread))


def _accuracy(target: Any, prediction: Any) -> Any:
    return np.mean(target == prediction, axis=-1)


def _macro(per_class: Callable[[Any, Any], Any]) -> Metric:
    """Return the mean of a figure over the classes that occur, in the labels or in the predictions."""

    def metric(target: Any, prediction: Any) -> Any:
        classes = np.unique(np.concatenate([np.ravel(target), np.ravel(prediction)]))
        true = [target == one for one in classes]
        said = [prediction == one for one in classes]
        occurs = np.array([np.any(one | other, axis=-1) for one, other in zip(true, said, strict=True)])
        figures = np.array([per_class(one, other) for one, other in zip(true, said, strict=True)])
        return np.sum(np.where(occurs, figures, 0.0), axis=0) / np.sum(occurs, axis=0)

    return metric


def _share(hits: Any, of: Any) -> Any:
    """Return the share of `of` that `hits` are, 0 where there are none."""
    count = np.sum(of, axis=-1)
    return np.where(count == 0, 0.0, np.sum(hits, axis=-1) / np.where(count == 0, 1, count))


def _precision(true: Any, said: Any) -> Any:
    return _share(true & said, said)


def _recall(true: Any, said: Any) -> Any:
    return _share(true & said, true)


def _f1(true: Any, said: Any) -> Any:
    both = np.sum(true & said, axis=-1)
    each = np.sum(true, axis=-1) + np.sum(said, axis=-1)
    return np.where(each == 0, 0.0, 2 * both / np.where(each == 0, 1, each))


METRICS: Mapping[Task, Mapping[str, Metric]] = {
    "regression": {"mae": _mae, "rmse": _rmse, "mse": _mse, "bias": _bias, "r2": _r2},
    "classification": {
        "accuracy": _accuracy,
        "precision": _macro(_precision),
        "recall": _macro(_recall),
        "f1": _macro(_f1),
    },
}
"""Metrics by task, averaged over classes without weights; definitions as scikit-learn's."""
