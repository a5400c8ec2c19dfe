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
    """The labelled cars: one row of `known` a car (five numbers, then the origin), its consumption, its year."""

    known: np.ndarray
    mpg: np.ndarray
    year: np.ndarray

    def of(self, first: int, last: int) -> "Cars":
        """Return the cars of the years from `first` to `last`."""
        here = (self.year >= first) & (self.year <= last)
        return Cars(known=self.known[here], mpg=self.mpg[here], year=self.year[here])


def read_cars(path: Path) -> Cars:
    """Read the CSV; cars without a measured consumption are left out."""
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["mpg"]]
    known = [[*(_number(row[name]) for name in NUMBERS), row["origin"]] for row in rows]
    return Cars(
        known=np.array(known, dtype=object),
        mpg=np.array([float(row["mpg"]) for row in rows]),
        year=np.array([int(row["model_year"]) for row in rows]),
    )


def ridge(alpha: float) -> Pipeline:
    """Return the untrained model of the demo, written a second time."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, [0, 1, 2, 3, 4]), ("origin", OneHotEncoder(), [5])])
    return make_pipeline(columns, Ridge(alpha=alpha))


def cross_validated_mae(cars: Cars, alpha: float, folds: int, seed: int) -> float:
    """Return the mean absolute error over predictions for cars held out in turn."""
    errors: list[float] = []
    for seen, unseen in KFold(folds, shuffle=True, random_state=seed).split(cars.known):
        fitted = ridge(alpha).fit(cars.known[seen], cars.mpg[seen])
        errors.extend(np.abs(fitted.predict(cars.known[unseen]) - cars.mpg[unseen]))
    return _mean(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the demo declares: the ridge, the bound of the error, the years trained on before an alert."""

    alpha: float
    bound: float
    window_years: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One year as the policy plays it: the error of the model that served, its lower bound, whether it alerts."""

    year: int
    rows: int
    mae: float
    low: float
    alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The whole play: each year, the year of the one retraining, and how its candidate compares on that year."""

    years: tuple[Year, ...]
    retrained_after: int
    gain: float
    gain_bound: float
    since: float
    without: float
    """Mean error over the years after the retraining: with it, and had nothing been done."""


def play(cars: Cars, policy: Policy) -> Played:
    """Play 1975 to 1982: train on 1970 to 1974, retrain once, at the first alert, on the years before it."""
    first = ridge(policy.alpha).fit(*_fit(cars.of(1970, 1974)))
    serving, years, alerted = first, [], 0
    gain = bound = math.nan
    for year in range(1975, 1983):
        here = cars.of(year, year)
        if len(here.mpg) == 0:
            continue
        errors = np.abs(serving.predict(here.known) - here.mpg)
        low = float(np.quantile(_resampled(errors).mean(axis=1), 0.05))
        years.append(Year(year=year, rows=len(errors), mae=float(errors.mean()), low=low, alert=low > policy.bound))
        if years[-1].alert and not alerted:
            alerted = year
            candidate = ridge(policy.alpha).fit(*_fit(cars.of(year - policy.window_years, year - 1)))
            better = errors - np.abs(candidate.predict(here.known) - here.mpg)
            gain, bound = float(better.mean()), float(np.quantile(_resampled(better).mean(axis=1), 0.05))
            if bound > 0:
                serving = candidate
    later = cars.of(alerted + 1, 1982)
    return Played(
        years=tuple(years),
        retrained_after=alerted,
        gain=gain,
        gain_bound=bound,
        since=_mean(np.abs(serving.predict(later.known) - later.mpg)),
        without=_mean(np.abs(first.predict(later.known) - later.mpg)),
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
