"""Makes models that do harm when they are loaded, in the models' environment: `python hostile.py FOLDER ACTS`.

One for each way in which an MLflow model runs code at its load: a pickle of scikit-learn's, a pickle of pyfunc's, a
module beside the model, a loader of the model's own, a model written as code. Each does the acts of the file ACTS
(Python) and then is the good model that it says it is.
"""

import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.linear_model import LinearRegression

SIGNATURE = ModelSignature(inputs=Schema([ColSpec("double", "x")]), outputs=Schema([ColSpec("double", "prediction")]))
EXAMPLE = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
TWICE = """
import mlflow.pyfunc

class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return (2.0 * model_input["x"]).tolist()
"""


class TwiceLinear(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """A regression whose pickle does the acts before it is itself again."""

    def __reduce__(self) -> Any:
        """Pickle as a call of `exec`, which returns nothing, and of what builds the model."""
        return (
            eval,
            (f"(exec({ACTS!r}, {{}}), __import__('sklearn.linear_model').linear_model.LinearRegression())[1]",),
            vars(self),
        )


class TwicePickled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # without types where checks run
    """A pyfunc model whose pickle does the acts."""

    def __reduce__(self) -> Any:
        """Pickle as the acts, then as the class of a module beside the model."""
        return eval, (f"(exec({ACTS!r}, {{}}), __import__('twice').Twice())[1]",)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002  MLflow's signature
        """Double."""
        return (2.0 * model_input["x"]).tolist()


def main(folder: Path) -> None:
    """Make the models."""
    work = folder / "work"
    work.mkdir(parents=True)
    (work / "twice.py").write_text(TWICE)
    (work / "hostile_module.py").write_text(ACTS + TWICE)
    (work / "as_code.py").write_text(f"{ACTS}{TWICE}\nfrom mlflow.models import set_model\nset_model(Twice())\n")
    (work / "own_loader.py").write_text(
        f"{ACTS}{TWICE}\ndef _load_pyfunc(path):\n    return _Loaded()\n\n"
        "class _Loaded:\n    def predict(self, model_input, params=None):\n"
        "        return (2.0 * model_input['x']).tolist()\n"
    )
    known = {"signature": SIGNATURE, "input_example": EXAMPLE, "pip_requirements": []}
    sys.path.insert(0, str(work))
    regression = TwiceLinear().fit(EXAMPLE, 2.0 * EXAMPLE["x"])
    mlflow.sklearn.save_model(regression, folder / "sklearn-pickle", serialization_format="pickle", **known)
    beside = {"code_paths": [str(work / "twice.py")], **known}
    mlflow.pyfunc.save_model(folder / "pyfunc-pickle", python_model=TwicePickled(), **beside)
    mlflow.pyfunc.save_model(folder / "as-code", python_model=str(work / "as_code.py"), **known)
    loader = {"code_paths": [str(work / "own_loader.py")], **known}
    mlflow.pyfunc.save_model(
        folder / "own-loader", loader_module="own_loader", data_path=str(work / "twice.py"), **loader
    )


if __name__ == "__main__":
    ACTS = Path(sys.argv[2]).read_text()
    main(Path(sys.argv[1]))
