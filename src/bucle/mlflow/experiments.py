"""Calls on experiments."""

from collections.abc import Mapping
from http import HTTPMethod
from typing import Any, get_args

from bucle import errors
from bucle.mlflow.door import Asked, Route
from bucle.mlflow.fields import Fields, page
from bucle.mlflow.wire import of_experiment
from bucle.ops import tracking_experiment
from bucle.tracking.experiments import Search, View

DEFAULT_PAGE = 1000
LONGEST_PAGE = 50_000


def create(asked: Asked) -> Mapping[str, Any]:
    """Make an experiment; where its artifacts lie is ours to say."""
    fields = asked.fields
    location = fields.text_or("artifact_location", "")
    if location:
        raise errors.BadRequest("tracking.artifact_location", location=location[:200])
    made = tracking_experiment.create(
        asked.world, asked.call, asked.workspace, fields.text("name"), fields.pairs("tags")
    )
    return {"experiment_id": str(made.id)}


def get(asked: Asked) -> Mapping[str, Any]:
    """Return an experiment by its id."""
    found = tracking_experiment.show(asked.world, asked.call, asked.workspace, asked.fields.text("experiment_id"))
    return {"experiment": of_experiment(found, asked.workspace)}


def get_by_name(asked: Asked) -> Mapping[str, Any]:
    """Return an experiment by its name."""
    name = asked.fields.text("experiment_name")
    found = tracking_experiment.show_by_name(asked.world, asked.call, asked.workspace, name)
    return {"experiment": of_experiment(found, asked.workspace)}


def search(asked: Asked) -> Mapping[str, Any]:
    """Return a page of experiments."""
    fields = asked.fields
    limit = fields.limit("max_results", default=DEFAULT_PAGE, most=LONGEST_PAGE)
    wanted = Search(
        filter=fields.optional("filter"),
        order_by=fields.texts("order_by"),
        view=view_of(fields, "view_type"),
        limit=limit + 1,
        offset=fields.offset(),
    )
    found = tracking_experiment.search(asked.world, asked.call, asked.workspace, wanted)
    return page(
        "experiments", [of_experiment(one, asked.workspace) for one in found], limit=limit, offset=wanted.offset
    )


def update(asked: Asked) -> Mapping[str, Any]:
    """Give an experiment another name."""
    fields = asked.fields
    tracking_experiment.rename(
        asked.world, asked.call, asked.workspace, fields.text("experiment_id"), fields.text("new_name")
    )
    return {}


def delete(asked: Asked) -> Mapping[str, Any]:
    """Delete an experiment with its runs."""
    experiment_id = asked.fields.text("experiment_id")
    tracking_experiment.set_lifecycle(asked.world, asked.call, asked.workspace, experiment_id, "deleted")
    return {}


def restore(asked: Asked) -> Mapping[str, Any]:
    """Restore an experiment with its runs."""
    experiment_id = asked.fields.text("experiment_id")
    tracking_experiment.set_lifecycle(asked.world, asked.call, asked.workspace, experiment_id, "active")
    return {}


def set_tag(asked: Asked) -> Mapping[str, Any]:
    """Set a tag."""
    fields = asked.fields
    tracking_experiment.set_tag(asked.world, asked.call, asked.workspace, fields.text("experiment_id"), fields.pair())
    return {}


def delete_tag(asked: Asked) -> Mapping[str, Any]:
    """Take a tag away."""
    fields = asked.fields
    tracking_experiment.delete_tag(
        asked.world, asked.call, asked.workspace, fields.text("experiment_id"), fields.text("key")
    )
    return {}


def view_of(fields: Fields, name: str) -> View:
    """Return which lifecycle is looked at."""
    asked = fields.text_or(name, "ACTIVE_ONLY")
    for view in get_args(View):
        if asked == view:
            known: View = view
            return known
    raise errors.BadRequest(
        "tracking.bad_field", field=name, wanted="ACTIVE_ONLY, DELETED_ONLY or ALL", given=asked[:80]
    )


CALLS = (
    Route(method=HTTPMethod.POST, path="experiments/create", permission="experiments/write", verb=create),
    Route(method=HTTPMethod.GET, path="experiments/get", permission="experiments/read", verb=get),
    Route(method=HTTPMethod.GET, path="experiments/get-by-name", permission="experiments/read", verb=get_by_name),
    Route(method=HTTPMethod.POST, path="experiments/search", permission="experiments/read", verb=search),
    Route(method=HTTPMethod.GET, path="experiments/search", permission="experiments/read", verb=search),
    Route(method=HTTPMethod.POST, path="experiments/update", permission="experiments/write", verb=update),
    Route(method=HTTPMethod.POST, path="experiments/delete", permission="experiments/write", verb=delete),
    Route(method=HTTPMethod.POST, path="experiments/restore", permission="experiments/write", verb=restore),
    Route(method=HTTPMethod.POST, path="experiments/set-experiment-tag", permission="experiments/write", verb=set_tag),
    Route(
        method=HTTPMethod.POST,
        path="experiments/delete-experiment-tag",
        permission="experiments/write",
        verb=delete_tag,
    ),
)
