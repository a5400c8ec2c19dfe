"""What is logged on a run: metrics, parameters, tags, datasets, models."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bucle.ops.secret import without_secrets
from bucle.ops.tracking_run import changing
from bucle.ops.world import Call, World
from bucle.tracking import inputs, metrics, models, parameters, rules, runs, tags
from bucle.tracking.inputs import DatasetInput, ModelLink
from bucle.tracking.models import ModelMetric
from bucle.tracking.rules import Metric

HISTORY_TAG = "mlflow.log-model.history"
"""Where MLflow 2 keeps what `log_model` says of each model, as a JSON list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything of one logging call; pairs are key and value."""

    metrics: Sequence[Metric] = ()
    parameters: Sequence[tuple[str, str]] = ()
    tags: Sequence[tuple[str, str]] = ()
    of_models: Sequence[tuple[str, ModelMetric]] = ()
    """Measurements that concern a logged model too: its id, and what was measured."""


def log(world: World, call: Call, workspace: str, run_id: str, batch: Batch) -> None:
    """Log a batch, all of it or nothing."""
    rules.check_batch(metrics=len(batch.metrics), parameters=len(batch.parameters), tags=len(batch.tags))
    rules.refuse_reserved([key for key, _ in (*batch.tags, *batch.parameters)])
    with changing(world, call, workspace, run_id) as (transaction, found):
        place = (found.stage, found.job)
        kept = rules.parameters(without_secrets(world, transaction.rows, place, batch.parameters))
        marks = rules.tags(without_secrets(world, transaction.rows, place, batch.tags))
        parameters.log(transaction, found.id, kept)
        metrics.log(transaction, found.id, batch.metrics)
        tags.set_all(transaction, found.id, marks)
        if runs.NAME_TAG in marks:
            runs.name_by_tag(transaction, found.id, marks[runs.NAME_TAG])
        for model_id, measured in batch.of_models:
            models.find(transaction.rows, found.stage, model_id)
            models.log_metrics(transaction, model_id, [measured])


def delete_tag(world: World, call: Call, workspace: str, run_id: str, key: str) -> None:
    """Take a tag of a run away."""
    rules.refuse_reserved([key])
    with changing(world, call, workspace, run_id) as (transaction, found):
        tags.delete(transaction, found.id, key)


def log_inputs(
    world: World, call: Call, workspace: str, run_id: str, given: tuple[Sequence[DatasetInput], Sequence[ModelLink]]
) -> None:
    """Log datasets and models that went into a run, or models that came out of it."""
    datasets, linked = given
    with changing(world, call, workspace, run_id) as (transaction, found):
        inputs.log_datasets(transaction, found.id, datasets)
        for link in linked:
            models.find(transaction.rows, found.stage, link.model_id)
        inputs.link_models(transaction, found.id, linked)


def log_model(world: World, call: Call, workspace: str, run_id: str, document: dict[str, Any]) -> None:
    """Add what MLflow 2 says of a model that it saved to the run's history of them."""
    with changing(world, call, workspace, run_id) as (transaction, found):
        before = runs.full(transaction.rows, [found])[0].tags.get(HISTORY_TAG, "[]")
        tags.set_all(transaction, found.id, {HISTORY_TAG: json.dumps([*json.loads(before), document])})
