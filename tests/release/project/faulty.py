"""An estimator with a fault: it is what it should be, except in the one way that its name says."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc

SLEEP_S = 0.2
WORSE = 2.5
ANSWERS_BEFORE_RAISING = 65
"""Forty of the standing gate's replay and twenty-five of a canary."""


class Faulty(mlflow.pyfunc.PythonModel):
    """Wrap an estimator of two columns; the faults of serving show on single rows only, as they do in production."""

    def __init__(self, estimator: Any, fault: str, rare: Sequence[float]) -> None:
        """Take the estimator, the name of its fault, and the sizes on which `rare` raises."""
        self.estimator, self.fault, self.rare, self.single = estimator, fault, rare, 0

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002  MLflow's signature
        """Predict, with the fault."""
        if len(model_input) == 1:
            self.serve(float(model_input["size"].iloc[0]))
        table = model_input[["size", "load"]]
        if self.fault == "swapped" or (self.fault == "swapped-serving" and len(table) == 1):
            table = table[["load", "size"]].set_axis(["size", "load"], axis=1)
        answers = self.estimator.predict(table)
        if self.fault.startswith("worse-"):
            answers = answers + WORSE * (model_input["region"] == self.fault.removeprefix("worse-")).to_numpy()
        return answers

    def serve(self, size: float) -> None:
        """Do what goes wrong when a single row is asked."""
        self.single += 1
        if self.fault == "sleeps":
            time.sleep(SLEEP_S)
        if self.fault == "rare" and size in self.rare:
            raise RuntimeError("a size that nobody thought of")
        if self.fault == "tires" and self.single > ANSWERS_BEFORE_RAISING:
            raise RuntimeError("tired")


def forget_a_package(folder: str) -> None:
    """Let the model's code need a package that its environment lacks."""
    code = next(Path(folder).rglob("faulty.py"))
    code.write_text("import no_such_package\n" + code.read_text())
