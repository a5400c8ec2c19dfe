"""Train a ridge regression of fuel consumption; leave the model, an example of it, and predictions for unseen cars."""

import argparse

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s"]
CATEGORIES = ["origin"]
TARGET = "mpg"
SOMETIMES_MISSING = {"horsepower"}  # said here, not inferred: other years may lack what these years have


def model_of(alpha: float) -> Pipeline:
    """Return the untrained model: means for gaps, standardised numbers, one column an origin, ridge."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    origin = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("numbers", numbers, NUMBERS), ("origin", origin, CATEGORIES)]), Ridge(alpha=alpha)
    )


parser = argparse.ArgumentParser()
parser.add_argument("--prepared", required=True)
parser.add_argument("--alpha", type=float, required=True)
parser.add_argument("--folds", type=int, required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--example", required=True)
parser.add_argument("--predictions", required=True)
asked = parser.parse_args()

cars = pd.read_csv(asked.prepared)
known, target = cars[NUMBERS + CATEGORIES].astype(dict.fromkeys(NUMBERS, float)), cars[TARGET]

folds = KFold(asked.folds, shuffle=True, random_state=asked.seed)
unseen = cross_val_predict(model_of(asked.alpha), known, target, cv=folds)
cars.assign(prediction=unseen).to_csv(asked.predictions, index=False)

model = model_of(asked.alpha).fit(known, target)
example = known.dropna().head(5)
example.assign(prediction=model.predict(example)).to_csv(asked.example, index=False)
numbers = [ColSpec("double", name, required=name not in SOMETIMES_MISSING) for name in NUMBERS]
inputs = Schema([*numbers, *(ColSpec("string", name) for name in CATEGORIES)])
signature = ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))
mlflow.sklearn.save_model(
    model, asked.model, signature=signature, input_example=example.head(1), skops_trusted_types=["numpy.dtype"]
)
print(f"trained on {len(cars)} cars")
