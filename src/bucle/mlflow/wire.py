"""Values of tracking as MLflow's JSON has them, and back: milliseconds, ids as texts, "NaN" for what is no number."""

from typing import Any

from bucle.mlflow.fields import Fields
from bucle.store.instants import to_micros
from bucle.tracking.experiments import Experiment
from bucle.tracking.inputs import DatasetInput
from bucle.tracking.models import LoggedModel, ModelMetric
from bucle.tracking.rules import Metric, metric
from bucle.tracking.runs import FullRun, Run

CONTEXT_TAG = "mlflow.data.context"
ARTIFACTS = "mlflow-artifacts:/"


def of_experiment(found: Experiment, workspace: str) -> dict[str, Any]:
    """Return an experiment."""
    return {
        "experiment_id": str(found.id),
        "name": found.name,
        "artifact_location": f"{ARTIFACTS}{workspace}/{found.id}",
        "lifecycle_stage": found.lifecycle,
        "creation_time": to_micros(found.created_at) // 1000,
        "last_update_time": to_micros(found.updated_at) // 1000,
        "tags": pairs(found.tags),
    }


def of_run_info(found: Run) -> dict[str, Any]:
    """Return what a run is, without what was logged on it."""
    told = {
        "run_id": found.id,
        "run_uuid": found.id,
        "run_name": found.name,
        "experiment_id": str(found.experiment_id),
        "user_id": found.user_id,
        "status": found.status,
        "start_time": found.started_at // 1000,
        "artifact_uri": ARTIFACTS + found.artifact_root,
        "lifecycle_stage": found.lifecycle,
    }
    return told if found.ended_at is None else {**told, "end_time": found.ended_at // 1000}


def of_run(found: FullRun) -> dict[str, Any]:
    """Return a run with everything on it."""
    inputs: dict[str, Any] = {}
    if found.datasets:
        inputs["dataset_inputs"] = [dict(one.document) for one in found.datasets]
    read = [{"model_id": one.model_id} for one in found.models if one.direction == "input"]
    if read:
        inputs["model_inputs"] = read
    made = [{"model_id": one.model_id, "step": one.step} for one in found.models if one.direction == "output"]
    return {
        "info": of_run_info(found.run),
        "data": {
            "metrics": [of_metric(one) for one in found.metrics],
            "params": pairs(found.parameters),
            "tags": pairs(found.tags),
        },
        "inputs": inputs,
        **({"outputs": {"model_outputs": made}} if made else {}),
    }


def of_metric(found: Metric) -> dict[str, Any]:
    """Return a measurement."""
    return {
        "key": found.key,
        "value": "NaN" if found.is_nan else found.value,
        "timestamp": found.logged_at // 1000,
        "step": found.step,
    }


def of_model(found: LoggedModel) -> dict[str, Any]:
    """Return a logged model."""
    return {
        "info": {
            "model_id": found.id,
            "experiment_id": str(found.experiment_id),
            "name": found.name,
            "creation_timestamp_ms": found.created_at // 1000,
            "last_updated_timestamp_ms": found.updated_at // 1000,
            "artifact_uri": ARTIFACTS + found.artifact_root,
            "status": found.status,
            "model_type": found.type,
            "source_run_id": found.source_run_id,
            "tags": pairs(found.tags),
        },
        "data": {
            "params": pairs(found.parameters),
            "metrics": [_of_model_metric(found.id, one) for one in found.metrics],
        },
    }


def pairs(found: Any) -> list[dict[str, str]]:
    """Return a mapping as `{key, value}` objects."""
    return [{"key": key, "value": value} for key, value in found.items()]


def to_metric(row: Fields) -> Metric:
    """Read a measurement."""
    return metric(
        row.text("key"), row.number("value"), step=row.integer_or("step") or 0, logged_ms=row.integer("timestamp")
    )


def to_model_metric(row: Fields, run_id: str) -> tuple[str, ModelMetric] | None:
    """Read what a measurement says of a logged model: its id and the measurement; None where it names no model."""
    model_id = row.optional("model_id")
    if model_id is None:
        return None
    measured = ModelMetric(
        run_id=run_id,
        metric=to_metric(row),
        dataset_name=row.optional("dataset_name"),
        dataset_digest=row.optional("dataset_digest"),
    )
    return model_id, measured


def to_dataset(row: Fields) -> DatasetInput:
    """Read a dataset that went into a run; its document is kept as sent."""
    dataset = row.row("dataset")
    tags = dict(row.pairs("tags"))
    return DatasetInput(
        name=dataset.text("name"), digest=dataset.text("digest"), context=tags.get(CONTEXT_TAG), document=row.values
    )


def _of_model_metric(model_id: str, found: ModelMetric) -> dict[str, Any]:
    told = {**of_metric(found.metric), "model_id": model_id, "run_id": found.run_id}
    if found.dataset_name is not None:
        told |= {"dataset_name": found.dataset_name, "dataset_digest": found.dataset_digest or ""}
    return told
