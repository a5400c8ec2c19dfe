"""The demo's figures computed apart from the product: plain scikit-learn over the CSV, nothing of bucle imported."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ("cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cars:
    """The labelled cars: one row of `known` a car (five numbers, then the origin), its consumption, its year.

    `line` is where the car stands in the file, counted from 0 with the cars that have no label.
    """

    known: np.ndarray
    mpg: np.ndarray
    year: np.ndarray
    line: np.ndarray

    def of(self, first: int, last: int) -> "Cars":
        """Return the cars of the years from `first` to `last`."""
        return self._picked((self.year >= first) & (self.year <= last))

    def as_served(self) -> "Cars":
        """Return the cars in the order of a labelled asset: by event time, then by request id as text."""
        return self._picked(np.array(sorted(range(len(self.mpg)), key=lambda at: (self.year[at], str(self.line[at])))))

    def _picked(self, here: np.ndarray) -> "Cars":
        return Cars(known=self.known[here], mpg=self.mpg[here], year=self.year[here], line=self.line[here])


def read_cars(path: Path) -> Cars:
    """Read the CSV; cars without a measured consumption are left out."""
    with path.open(newline="") as stream:
        lines = [(line, row) for line, row in enumerate(csv.DictReader(stream)) if row["mpg"]]
    rows = [row for _, row in lines]
    known = [[*(_number(row[name]) for name in NUMBERS), row["origin"]] for row in rows]
    return Cars(
        known=np.array(known, dtype=object),
        mpg=np.array([float(row["mpg"]) for row in rows]),
        year=np.array([int(row["model_year"]) for row in rows]),
        line=np.array([line for line, _ in lines]),
    )


def ridge(alpha: float) -> Pipeline:
    """Return the untrained model of the demo, written a second time."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, [0, 1, 2, 3, 4]), ("origin", OneHotEncoder(), [5])])
    return make_pipeline(columns, Ridge(alpha=alpha))


def held_out(cars: Cars, alpha: float, folds: int, seed: int) -> np.ndarray:
    """Return the absolute error of every car as predicted by the model that was trained without its fold."""
    errors = np.zeros(len(cars.mpg))
    for seen, unseen in KFold(folds, shuffle=True, random_state=seed).split(cars.known):
        fitted = ridge(alpha).fit(cars.known[seen], cars.mpg[seen])
        errors[unseen] = np.abs(fitted.predict(cars.known[unseen]) - cars.mpg[unseen])
    return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the demo declares: the ridge, its validation, when an error alerts, what is trained on, what gates ask."""

    alpha: float
    folds: int
    seed: int
    bound: float
    """An error whose lower bound is above alerts."""
    window_years: int
    cooldown_years: int
    most_mae: float
    most_gap: float
    least_rows: int
    """The gates: the error at most; that of an origin at most so much above it, judged from so many cars on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One year as the policy plays it: the error of the model that served, its lower bound, whether it alerts."""

    year: int
    rows: int
    mae: float
    low: float
    alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """One retraining: the year that alerted, how the candidate compares on that year, whether the gates let it in."""

    after: int
    rows: int
    gain: float
    gain_bound: float
    mae: float
    """Cross-validated on the cars it was trained on: what the gates judge."""
    promoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The whole play: each year, each retraining, and the mean error over the years after the first one.

    `since` is the error of what served, `without` that of the first model, had nothing been done.
    """

    years: tuple[Year, ...]
    retrained: tuple[Retrained, ...]
    since: float
    without: float


def play(cars: Cars, policy: Policy) -> Played:
    """Play 1975 to 1982: train on 1970 to 1974, then again whenever a year alerts and the cooldown is over."""
    first = ridge(policy.alpha).fit(*_fit(cars.of(1970, 1974)))
    serving, years, retrained = first, [], list[Retrained]()
    since, without = list[float](), list[float]()
    for year in range(1975, 1983):
        here = cars.of(year, year)
        if len(here.mpg) == 0:
            continue
        errors = np.abs(serving.predict(here.known) - here.mpg)
        low = float(np.quantile(_resampled(errors).mean(axis=1), 0.05))
        years.append(Year(year=year, rows=len(errors), mae=float(errors.mean()), low=low, alert=low > policy.bound))
        promoted = [one.after for one in retrained if one.promoted]
        if promoted:
            since.extend(errors)
            without.extend(np.abs(first.predict(here.known) - here.mpg))
        if years[-1].alert and all(year - last >= policy.cooldown_years for last in promoted):
            candidate, told = _retrain(cars, policy, year, errors)
            retrained.append(told)
            serving = candidate if told.promoted else serving
    return Played(years=tuple(years), retrained=tuple(retrained), since=_mean(since), without=_mean(without))


def _retrain(cars: Cars, policy: Policy, year: int, errors: np.ndarray) -> tuple[Pipeline, Retrained]:
    """Train on the years before the one that alerted; compare on that year; judge as the gates do."""
    here, known = cars.of(year, year), cars.of(year - policy.window_years, year - 1).as_served()
    candidate = ridge(policy.alpha).fit(*_fit(known))
    better = errors - np.abs(candidate.predict(here.known) - here.mpg)
    bound = float(np.quantile(_resampled(better).mean(axis=1), 0.05))
    off = held_out(known, alpha=policy.alpha, folds=policy.folds, seed=policy.seed)
    groups = [off[known.known[:, 5] == origin] for origin in np.unique(known.known[:, 5].astype(str))]
    fair = all(len(one) < policy.least_rows or one.mean() - off.mean() <= policy.most_gap for one in groups)
    return candidate, Retrained(
        after=year,
        rows=len(known.mpg),
        gain=float(better.mean()),
        gain_bound=bound,
        mae=float(off.mean()),
        promoted=bound >= 0 and float(off.mean()) <= policy.most_mae and fair,
    )


def _fit(cars: Cars) -> tuple[np.ndarray, np.ndarray]:
    return cars.known, cars.mpg


def _resampled(values: np.ndarray) -> np.ndarray:
    """Return 10,000 resamples of the values, one a line; the percentile bootstrap of the gates, seed 0."""
    return values[np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _number(text: str) -> float:
    return float(text) if text else math.nan


def digest_of_years(path: Path, first: int, last: int) -> str:
    """Return the digest of a folder with one file, the cars of some years: SHA-256 of its list as canonical JSON."""
    head, *lines = path.read_text().splitlines()
    year = head.split(",").index("model_year")
    text = "".join(
        f"{line}\n" for line in [head, *(row for row in lines if first <= int(row.split(",")[year]) <= last)]
    )
    sha = hashlib.sha256(text.encode()).hexdigest()
    rows = f'[["fuel-{first}-{last}.csv",false,{len(text)},"sha256:{sha}"]]'
    return f"sha256:{hashlib.sha256(rows.encode()).hexdigest()}"
