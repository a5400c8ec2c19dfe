"""Calls that log on a run: metrics, parameters, tags, datasets, models."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPMethod
from typing import Any

from bucle import errors
from bucle.mlflow.door import Asked, Route
from bucle.mlflow.fields import Fields
from bucle.mlflow.runs import run_id_of
from bucle.mlflow.wire import to_dataset, to_metric, to_model_metric
from bucle.ops import tracking_log
from bucle.ops.tracking_log import Batch
from bucle.tracking.inputs import ModelLink

LONGEST_BATCH = 1_000_000


def log_metric(asked: Asked) -> Mapping[str, Any]:
    """Log one measurement."""
    return _log(asked, _measured(run_id_of(asked.fields), [asked.fields]))


def log_parameter(asked: Asked) -> Mapping[str, Any]:
    """Log one parameter."""
    return _log(asked, Batch(parameters=[asked.fields.pair()]))


def set_tag(asked: Asked) -> Mapping[str, Any]:
    """Set one tag."""
    return _log(asked, Batch(tags=[asked.fields.pair()]))


def log_batch(asked: Asked) -> Mapping[str, Any]:
    """Log many at once, all or nothing."""
    fields = asked.fields
    measured = _measured(run_id_of(fields), fields.rows("metrics"))
    return _log(
        asked,
        Batch(
            metrics=measured.metrics,
            of_models=measured.of_models,
            parameters=fields.pairs("params"),
            tags=fields.pairs("tags"),
        ),
    )


def delete_tag(asked: Asked) -> Mapping[str, Any]:
    """Take a tag away."""
    fields = asked.fields
    tracking_log.delete_tag(asked.world, asked.call, asked.workspace, run_id_of(fields), fields.text("key"))
    return {}


def log_inputs(asked: Asked) -> Mapping[str, Any]:
    """Log what went into a run."""
    fields = asked.fields
    datasets = [to_dataset(row) for row in fields.rows("datasets")]
    read = [ModelLink(direction="input", model_id=row.text("model_id")) for row in fields.rows("models")]
    tracking_log.log_inputs(asked.world, asked.call, asked.workspace, run_id_of(fields), (datasets, read))
    return {}


def log_outputs(asked: Asked) -> Mapping[str, Any]:
    """Log which models came out of a run."""
    fields = asked.fields
    made = [
        ModelLink(direction="output", model_id=row.text("model_id"), step=row.integer_or("step") or 0)
        for row in fields.rows("models")
    ]
    tracking_log.log_inputs(asked.world, asked.call, asked.workspace, run_id_of(fields), ((), made))
    return {}


def log_model(asked: Asked) -> Mapping[str, Any]:
    """Log what MLflow 2 says of a model that it saved."""
    fields = asked.fields
    try:
        document = json.loads(fields.text("model_json"))
    except ValueError as fault:
        raise errors.BadRequest("tracking.bad_body") from fault
    if not isinstance(document, dict):
        raise errors.BadRequest("tracking.bad_body")
    tracking_log.log_model(asked.world, asked.call, asked.workspace, run_id_of(fields), document)
    return {}


def _measured(run_id: str, rows: Sequence[Fields]) -> Batch:
    named = (to_model_metric(row, run_id) for row in rows)
    return Batch(metrics=[to_metric(row) for row in rows], of_models=[one for one in named if one is not None])


def _log(asked: Asked, batch: Batch) -> Mapping[str, Any]:
    tracking_log.log(asked.world, asked.call, asked.workspace, run_id_of(asked.fields), batch)
    return {}


CALLS = (
    Route(method=HTTPMethod.POST, path="runs/log-metric", permission="experiments/write", verb=log_metric),
    Route(method=HTTPMethod.POST, path="runs/log-parameter", permission="experiments/write", verb=log_parameter),
    Route(method=HTTPMethod.POST, path="runs/set-tag", permission="experiments/write", verb=set_tag),
    Route(method=HTTPMethod.POST, path="runs/delete-tag", permission="experiments/write", verb=delete_tag),
    Route(
        method=HTTPMethod.POST,
        path="runs/log-batch",
        permission="experiments/write",
        verb=log_batch,
        longest=LONGEST_BATCH,
    ),
    Route(method=HTTPMethod.POST, path="runs/log-inputs", permission="experiments/write", verb=log_inputs),
    Route(method=HTTPMethod.POST, path="runs/outputs", permission="experiments/write", verb=log_outputs),
    Route(method=HTTPMethod.POST, path="runs/log-model", permission="experiments/write", verb=log_model),
)
