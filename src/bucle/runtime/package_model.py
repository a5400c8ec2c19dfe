"""Looks at a model in a clean process of its own environment, behind the walls of a step without network.

`python package_model.py ORDER` (JSON). Task `package`: loads the model, predicts its example, scores the evaluation
data, profiles the training data; task `score`: scores labelled rows; task
`predict`: predicts rows of its order. What it found goes to the folder `out` as JSON. It
exits 1 with one line when the model cannot be imported or says something else than the process that trained it.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.models import Model

MOST_KNOTS = 512
MOST_SAMPLES = 200
MOST_CATEGORIES = 10_000


def main(arguments: Sequence[str]) -> int:
    """Follow one order."""
    order = json.loads(arguments[0])
    out = Path(order["out"])
    try:
        model, described = load(Path(order["model"]))
    except Exception as fault:  # whatever a stranger's model raises is the finding
        print(f"the model cannot be imported: {type(fault).__name__}: {fault}")
        return 1
    write(out / "model.json", described)
    if order["task"] == "predict":
        table = known_columns(pd.DataFrame(order["rows"]), described)
        write(out / "again.json", {"prediction": plain(model.predict(table))})
        return 0
    if order["task"] == "score":
        write(out / "scored.json", evaluation_rows(model, described, order))
        return 0
    if order["example"] is not None:
        differs = compare_example(model, described, Path(order["example"]), order["tolerance"])
        if differs is not None:
            print(differs)
            return 1
    write(out / "evaluation.json", evaluation_rows(model, described, order))
    write(out / "sample.json", sample(model, described, read_table(Path(order["training"] or order["evaluation"]))))
    write(out / "profile.json", profile(read_table(Path(order["training"]))) if order["training"] else {})
    print("packaged")
    return 0


def load(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Load an MLflow model; return it with its flavours, format, signature and the libraries it was loaded with."""
    known = Model.load(str(folder))
    model = mlflow.pyfunc.load_model(str(folder))
    sklearn = known.flavors.get("sklearn", {})
    signature = known.signature.to_dict() if known.signature else {}
    return model, {
        "flavors": sorted(known.flavors),
        "format": sklearn.get("serialization_format")
        or ("python" if "python_function" in known.flavors else "unknown"),
        "inputs": json.loads(signature.get("inputs") or "[]"),
        "outputs": json.loads(signature.get("outputs") or "[]"),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "mlflow": known.mlflow_version,
    }


def compare_example(model: Any, described: Mapping[str, Any], place: Path, tolerance: float) -> str | None:
    """Return how the model differs from what the training process predicted for the same rows, or None."""
    table = read_table(place)
    said, now = plain(table["prediction"]), plain(model.predict(known_columns(table, described)))
    if not all(isinstance(value, (int, float)) for value in (*said, *now)):
        differing = sum(str(one) != str(other) for one, other in zip(said, now, strict=True))
        told = f"the model predicts otherwise than the process that trained it: {differing} of {len(said)} differ"
        return told if differing else None
    worst = max((abs(one - other) for one, other in zip(said, now, strict=True)), default=0.0)
    if worst <= tolerance:
        return None
    return f"the model predicts otherwise than the process that trained it: {worst:g} apart, {tolerance:g} allowed"


def evaluation_rows(model: Any, described: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    """Return target, prediction and segment columns of every labelled row, scored here or as the job reported them."""
    table = read_table(Path(order["evaluation"]))
    table = table[table[order["target"]].notna()]
    if order["source"] == "reported":
        predictions = table["prediction"]
    else:
        predictions = model.predict(known_columns(table, described))
    return {
        "target": plain(table[order["target"]]),
        "prediction": plain(predictions),
        "columns": {name: [str(value) for value in table[name]] for name in order["columns"] if name in table},
    }


def sample(model: Any, described: Mapping[str, Any], table: Any) -> dict[str, Any]:
    """Return rows that the model takes with what it predicts for them: what a deployment is asked before it serves."""
    rows = known_columns(table.head(MOST_SAMPLES), described)
    return {
        "columns": list(rows.columns),
        "data": [plain(row) for row in rows.astype(object).to_numpy()],
        "prediction": plain(model.predict(rows)),
    }


def known_columns(table: Any, described: Mapping[str, Any]) -> Any:
    """Return the columns that the model takes, with the types of its signature."""
    types = {"double": "float64", "float": "float32", "string": "object", "boolean": "bool"}
    names = [column["name"] for column in described["inputs"]]
    table = table[names].copy() if names else table
    for column in described["inputs"]:
        wanted = types.get(column["type"])
        if wanted is not None:
            table[column["name"]] = table[column["name"]].astype(wanted)
    return table


def profile(table: Any) -> dict[str, Any]:
    """Return the profile of each column: knots of equal rank for numbers, counts for categories."""
    found: dict[str, Any] = {"rows": len(table), "columns": {}}
    for name in table.columns:
        column = table[name]
        present = column.dropna()
        described: dict[str, Any] = {"n": len(column), "null": int(column.isna().sum())}
        if column.dtype.kind in "fiu":
            values = sorted(float(value) for value in present)
            described |= {"kind": "numerical", "exact": len(values) <= MOST_KNOTS, "knots": knots(values)}
            described |= {"mean": float(present.mean()), "sd": float(present.std()) if len(values) > 1 else 0.0}
        else:
            counts = present.astype(str).value_counts().head(MOST_CATEGORIES)
            described |= {"kind": "categorical", "counts": {str(key): int(count) for key, count in counts.items()}}
        found["columns"][str(name)] = described
    return found


def knots(values: Sequence[float]) -> list[float]:
    """Return at most `MOST_KNOTS` values of equal rank, both ends among them; few values are kept as they are."""
    if len(values) <= MOST_KNOTS:
        return list(values)
    last = len(values) - 1
    return [values[round(place * last / (MOST_KNOTS - 1))] for place in range(MOST_KNOTS)]


def read_table(place: Path) -> Any:
    """Return a CSV or Parquet file, or the one such file of a folder, as a DataFrame."""
    if place.is_dir():
        (place,) = [file for file in sorted(place.iterdir()) if file.suffix in {".csv", ".parquet"}]
    return pd.read_parquet(place) if place.suffix == ".parquet" else pd.read_csv(place)


def plain(values: Any) -> list[Any]:
    """Return a column as plain JSON values; what is not a number stays text."""
    return [
        None if isinstance(value, float) and math.isnan(value) else value
        for value in (item.item() if hasattr(item, "item") else item for item in values)
    ]


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document."""
    path.write_text(json.dumps(document))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
