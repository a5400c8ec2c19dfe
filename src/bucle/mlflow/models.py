"""Calls on logged models (MLflow 3)."""

from collections.abc import Mapping
from http import HTTPMethod
from typing import Any

from bucle.mlflow.door import Asked, Route
from bucle.mlflow.fields import page
from bucle.mlflow.wire import of_model
from bucle.ops import tracking_model
from bucle.ops.tracking_model import Search
from bucle.tracking.grammar import MODELS, order_key

DEFAULT_PAGE = 50
LONGEST_PAGE = 50_000


def create(asked: Asked) -> Mapping[str, Any]:
    """Make a logged model."""
    fields = asked.fields
    wanted = tracking_model.Asked(
        experiment_id=fields.text("experiment_id"),
        name=fields.optional("name"),
        type=fields.text_or("model_type", ""),
        source_run_id=fields.text_or("source_run_id", ""),
        tags=fields.pairs("tags"),
        parameters=fields.pairs("params"),
    )
    return {"model": of_model(tracking_model.create(asked.world, asked.call, asked.workspace, wanted))}


def get(asked: Asked) -> Mapping[str, Any]:
    """Return a logged model."""
    found = tracking_model.show(asked.world, asked.call, asked.workspace, asked.fields.text("model_id"))
    return {"model": of_model(found)}


def finish(asked: Asked) -> Mapping[str, Any]:
    """Say how the upload ended."""
    fields = asked.fields
    done = tracking_model.finish(
        asked.world, asked.call, asked.workspace, fields.text("model_id"), fields.text("status")
    )
    return {"model": of_model(done)}


def delete(asked: Asked) -> Mapping[str, Any]:
    """Delete a logged model."""
    tracking_model.delete(asked.world, asked.call, asked.workspace, asked.fields.text("model_id"))
    return {}


def set_tags(asked: Asked) -> Mapping[str, Any]:
    """Set tags."""
    fields = asked.fields
    changed = tracking_model.set_tags(
        asked.world, asked.call, asked.workspace, fields.text("model_id"), fields.pairs("tags")
    )
    return {"model": of_model(changed)}


def delete_tag(asked: Asked) -> Mapping[str, Any]:
    """Take a tag away."""
    fields = asked.fields
    tracking_model.delete_tag(asked.world, asked.call, asked.workspace, fields.text("model_id"), fields.text("tag_key"))
    return {}


def log_parameters(asked: Asked) -> Mapping[str, Any]:
    """Log parameters of a model."""
    fields = asked.fields
    tracking_model.log_parameters(
        asked.world, asked.call, asked.workspace, fields.text("model_id"), fields.pairs("params")
    )
    return {}


def search(asked: Asked) -> Mapping[str, Any]:
    """Return a page of logged models."""
    fields = asked.fields
    limit = fields.limit("max_results", default=DEFAULT_PAGE, most=LONGEST_PAGE)
    wanted = Search(
        experiment_ids=fields.texts("experiment_ids"),
        filter=fields.optional("filter"),
        order_by=[
            order_key(row.text("field_name"), MODELS, ascending=row.flag("ascending", default=True))
            for row in fields.rows("order_by")
        ],
        limit=limit + 1,
        offset=fields.offset(),
    )
    found = tracking_model.search(asked.world, asked.call, asked.workspace, wanted)
    return page("models", [of_model(one) for one in found], limit=limit, offset=wanted.offset)


CALLS = (
    Route(method=HTTPMethod.POST, path="logged-models", permission="experiments/write", verb=create),
    Route(method=HTTPMethod.POST, path="logged-models/search", permission="experiments/read", verb=search),
    Route(method=HTTPMethod.GET, path="logged-models/{model_id}", permission="experiments/read", verb=get),
    Route(method=HTTPMethod.PATCH, path="logged-models/{model_id}", permission="experiments/write", verb=finish),
    Route(method=HTTPMethod.DELETE, path="logged-models/{model_id}", permission="experiments/write", verb=delete),
    Route(
        method=HTTPMethod.POST,
        path="logged-models/{model_id}/params",
        permission="experiments/write",
        verb=log_parameters,
    ),
    Route(method=HTTPMethod.PATCH, path="logged-models/{model_id}/tags", permission="experiments/write", verb=set_tags),
    Route(
        method=HTTPMethod.DELETE,
        path="logged-models/{model_id}/tags/{tag_key}",
        permission="experiments/write",
        verb=delete_tag,
    ),
)
