"""Makes the models of the serving tests, in their environment: `python models.py FOLDER`."""

import sys
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

AWKWARD = """
import os
import time

import mlflow.pyfunc
from mlflow.models import set_model


class Awkward(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        answers = []
        for act in model_input["act"]:
            if act == "raise":
                raise RuntimeError("no such car")
            if act == "die":
                os._exit(9)
            if act.startswith("sleep"):
                time.sleep(float(act.removeprefix("sleep")))
            answers.append(float("nan") if act == "nan" else float(len(act)))
        return answers


set_model(Awkward())
"""
TOGETHER = """
import mlflow.pyfunc
from mlflow.models import set_model


class Together(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [float(len(model_input))] * len(model_input)


set_model(Together())
"""
UNLOADABLE = """
import mlflow.pyfunc
from mlflow.models import set_model
import no_such_package

set_model(None)
"""


def fuel(folder: Path) -> None:
    """Train a small pipeline on made rows."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "weight": random.uniform(800, 2000, 200),
            "power": random.integers(40, 200, 200).astype("float64"),
            "origin": random.choice(["eu", "jp", "us"], 200),
        }
    )
    target = 50 - 0.015 * frame.weight - 0.05 * frame.power + (frame.origin == "jp") * 2
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["weight", "power"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["origin"]),
        ]
    )
    model = make_pipeline(columns, Ridge()).fit(frame, target)
    inputs = Schema(
        [ColSpec("double", "weight"), ColSpec("double", "power", required=False), ColSpec("string", "origin")]
    )
    mlflow.sklearn.save_model(
        model,
        folder / "fuel",
        signature=ModelSignature(inputs=inputs),
        input_example=frame.head(8),
        serialization_format="skops",
        pip_requirements=["scikit-learn"],
    )
    rows = frame.head(20)
    rows.assign(prediction=model.predict(rows)).to_json(folder / "fuel.json", orient="records", double_precision=15)


def scripted(folder: Path, name: str, code: str) -> None:
    """Save a model whose code is a script."""
    script = folder / f"{name}.py"
    script.write_text(code)
    example = pd.DataFrame({"act": ["a", "bb", "ccc"]})
    signature = ModelSignature(inputs=Schema([ColSpec("string", "act")]))
    where = folder / name
    mlflow.pyfunc.save_model(
        where, python_model=str(script), signature=signature, input_example=example, pip_requirements=["pandas"]
    )


def main(folder: Path) -> None:
    """Make all of them."""
    fuel(folder)
    scripted(folder, "awkward", AWKWARD)
    scripted(folder, "together", TOGETHER)
    scripted(folder, "unloadable", TOGETHER)
    (folder / "unloadable" / "unloadable.py").write_text(UNLOADABLE)


main(Path(sys.argv[1]))
