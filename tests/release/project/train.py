"""Train a small regression, wrapped in a fault when one is asked for: `none` is the estimator as it is."""

import argparse

import faulty
import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.linear_model import Ridge

FEATURES = ["size", "load"]
COLUMNS = [*FEATURES, "region"]
KNOWN_ROWS = 400

parser = argparse.ArgumentParser()
for name in ("rows", "fault", "model", "example", "holdout", "known"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--alpha", type=float, required=True)
asked = parser.parse_args()

table = pd.read_csv(asked.rows)
known, held_back = table.head(KNOWN_ROWS), table.tail(len(table) - KNOWN_ROWS)
held_back.to_csv(asked.holdout, index=False)
known[COLUMNS].to_csv(asked.known, index=False)

columns = [ColSpec("double", name) for name in FEATURES]
signature = ModelSignature(inputs=Schema([*columns, ColSpec("string", "region")]), outputs=Schema([ColSpec("double")]))
estimator = Ridge(alpha=asked.alpha).fit(known[FEATURES], known["cost"])
model = faulty.Faulty(estimator, asked.fault, rare=[float(known["size"][place]) for place in (30, 130, 230, 330)])
example = known[COLUMNS].head(5)
example.assign(prediction=model.predict(None, example)).to_csv(asked.example, index=False)
mlflow.pyfunc.save_model(
    asked.model, python_model=model, code_paths=["faulty.py"], signature=signature, pip_requirements=["scikit-learn"]
)
if asked.fault == "lacks":
    faulty.forget_a_package(asked.model)
