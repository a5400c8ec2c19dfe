"""A model in its own environment: loads an MLflow folder, predicts rows, and proves whether rows may share a batch.

mlflow, pandas and numpy are those of the model's environment, imported by name when the model is loaded.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bucle.runtime.payload import READERS, Column

PROOF_ROWS = 8
_NUMPY_KINDS = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "datetime": "datetime64[ns]",
}
_WITH_NULLS = {"long": "float64", "integer": "float64", "boolean": "object"}
Rows = Sequence[Sequence[Any]]


class ModelRefusedError(Exception):
    """The folder holds a model that cannot be served by rows; one sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A loaded model: its columns, its example's rows (none when it has no example), and predict.

    `predict` takes rows in the order of `columns` and returns one plain value a row.
    """

    columns: tuple[Column, ...]
    example: Rows
    predict: Callable[[Rows], list[Any]]


def load(folder: str) -> ServedModel:
    """Load the MLflow model of `folder`; ModelRefusedError when it has no signature of columns.

    Whatever the model's own code raises while it is loaded passes through.
    """
    loaded = import_module("mlflow.pyfunc").load_model(folder)
    columns = _columns(loaded.metadata.signature)
    build = _frame_builder(columns)

    def predict(rows: Rows) -> list[Any]:
        answers = plain(loaded.predict(build(rows)))
        if not isinstance(answers, list) or len(answers) != len(rows):
            count = len(answers) if isinstance(answers, list) else "no list of"
            raise ValueError(f"the model returned {count} answers for {len(rows)} rows")
        return answers

    return ServedModel(columns=columns, example=_example(loaded.metadata, folder, columns), predict=predict)


def prove_row_wise(model: ServedModel) -> tuple[bool, str]:
    """Return whether a batch's answers are those of its rows alone, in any order, and in a few words why.

    Tried on up to eight rows of the model's example; this is its warm-up too, so a model that cannot predict its
    own example raises here. Numbers may differ by 1e-12 + 1e-9·|x|: matrix products round differently by size.
    """
    rows = list(model.example)[:PROOF_ROWS]
    if not rows:
        return False, "the model has no input example"
    together = model.predict(rows)
    if len({repr(row) for row in rows}) == 1:
        return False, "the input example has no two different rows"
    alone = [model.predict([row])[0] for row in rows]
    order = [*range(1, len(rows)), 0]
    turned = model.predict([rows[place] for place in order])
    if same(together, alone) and same([together[place] for place in order], turned):
        return True, f"{len(rows)} rows of the input example answer alike alone, together and in another order"
    return False, "rows of the input example answer differently together and alone"


def same(left: Any, right: Any) -> bool:
    """Return whether two plain answers are equal, numbers within 1e-12 + 1e-9·|x|, NaN equal to itself."""
    if isinstance(left, float) and isinstance(right, float):
        close = math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
        return close or (math.isnan(left) and math.isnan(right))
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def plain(answer: Any) -> Any:
    """Return what a model answered as lists, dicts, text and numbers: a frame as records, arrays as lists."""
    if hasattr(answer, "columns") and hasattr(answer, "to_dict"):
        return [plain(record) for record in answer.to_dict(orient="records")]
    if hasattr(answer, "tolist"):
        return plain(answer.tolist())
    if isinstance(answer, list | tuple):
        return [plain(item) for item in answer]
    if isinstance(answer, dict):
        return {str(name): plain(item) for name, item in answer.items()}
    return answer


def _columns(signature: Any) -> tuple[Column, ...]:
    if signature is None or signature.inputs is None:
        raise ModelRefusedError("the model has no signature; log it with one")
    columns = []
    for place, found in enumerate(signature.inputs.to_dict()):
        kind, name = found["type"], found.get("name")
        if name is None or kind not in READERS:
            raise ModelRefusedError(f"input {name or place} of the signature is a {kind}, which has no place in a row")
        columns.append(Column(name=name, kind=kind, required=found.get("required", True)))
    return tuple(columns)


def _frame_builder(columns: Sequence[Column]) -> Callable[[Rows], Any]:
    numpy, pandas = import_module("numpy"), import_module("pandas")

    def build(rows: Rows) -> Any:
        frame = {}
        for place, column in enumerate(columns):
            values = [row[place] for row in rows]
            kind = _NUMPY_KINDS.get(column.kind, "object")
            if None in values:
                kind = _WITH_NULLS.get(column.kind, kind)
            array = numpy.array(values, dtype=kind) if kind != "object" else _objects(numpy, values)
            frame[column.name] = array
        return pandas.DataFrame(frame)

    return build


def _objects(numpy: Any, values: Sequence[Any]) -> Any:
    """Return an array of objects; bytes would otherwise be padded to one length."""
    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array


def _example(metadata: Any, folder: str, columns: Sequence[Column]) -> Rows:
    if metadata.saved_input_example_info is None:
        return ()
    frame = metadata.load_input_example(folder)
    if not hasattr(frame, "columns"):
        return ()
    lists = [plain(frame[column.name]) if column.name in frame else [None] * len(frame) for column in columns]
    return [[None if value != value else value for value in row] for row in zip(*lists, strict=True)]  # noqa: PLR0124  NaN
