"""Train a ridge regression of fuel consumption, and say how well it does on cars it has not seen."""

import argparse
import json

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s"]
CATEGORIES = ["origin"]
TARGET = "mpg"


def model_of(alpha: float) -> Pipeline:
    """Return the untrained model: means for gaps, standardised numbers, one column an origin, ridge."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("origin", OneHotEncoder(), CATEGORIES)])
    return make_pipeline(columns, Ridge(alpha=alpha))


def main() -> None:
    """Train on the labelled cars of the given years."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--first-year", type=int, required=True)
    parser.add_argument("--last-year", type=int, required=True)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--folds", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--metrics", required=True)
    asked = parser.parse_args()
    cars = pd.read_csv(asked.data)
    cars = cars[cars["model_year"].between(asked.first_year, asked.last_year) & cars[TARGET].notna()]
    known, target = cars[NUMBERS + CATEGORIES], cars[TARGET]
    folds = KFold(asked.folds, shuffle=True, random_state=asked.seed)
    unseen = cross_val_predict(model_of(asked.alpha), known, target, cv=folds)
    metrics = {"mae": mean_absolute_error(target, unseen), "r2": r2_score(target, unseen), "rows": len(cars)}
    with open(asked.metrics, "w") as out:
        json.dump(metrics, out)
    print(json.dumps(metrics))


main()
