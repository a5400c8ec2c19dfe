"""Calls on runs: make, read, search, change."""

from collections.abc import Mapping
from http import HTTPMethod
from typing import Any

from bucle.mlflow.door import Asked, Route
from bucle.mlflow.experiments import view_of
from bucle.mlflow.fields import Fields, page
from bucle.mlflow.wire import of_metric, of_run, of_run_info
from bucle.ops import tracking_run
from bucle.ops.tracking_run import Change, Search
from bucle.tracking.rules import micros_of_ms

DEFAULT_PAGE = 1000
LONGEST_PAGE = 50_000
DEFAULT_HISTORY = 25_000


def create(asked: Asked) -> Mapping[str, Any]:
    """Make a run."""
    fields = asked.fields
    wanted = tracking_run.Asked(
        experiment_id=fields.text_or("experiment_id", "0"),
        name=fields.optional("run_name"),
        started_at=_instant(fields, "start_time"),
        tags=fields.pairs("tags"),
    )
    return {"run": of_run(tracking_run.create(asked.world, asked.call, asked.workspace, wanted))}


def get(asked: Asked) -> Mapping[str, Any]:
    """Return a run."""
    return {"run": of_run(tracking_run.show(asked.world, asked.call, asked.workspace, run_id_of(asked.fields)))}


def update(asked: Asked) -> Mapping[str, Any]:
    """Change status, end or name of a run."""
    fields = asked.fields
    change = Change(
        status=fields.optional("status"), ended_at=_instant(fields, "end_time"), name=fields.optional("run_name")
    )
    changed = tracking_run.update(asked.world, asked.call, asked.workspace, run_id_of(fields), change)
    return {"run_info": of_run_info(changed)}


def delete(asked: Asked) -> Mapping[str, Any]:
    """Delete a run."""
    tracking_run.set_lifecycle(asked.world, asked.call, asked.workspace, run_id_of(asked.fields), "deleted")
    return {}


def restore(asked: Asked) -> Mapping[str, Any]:
    """Restore a run."""
    tracking_run.set_lifecycle(asked.world, asked.call, asked.workspace, run_id_of(asked.fields), "active")
    return {}


def search(asked: Asked) -> Mapping[str, Any]:
    """Return a page of runs."""
    fields = asked.fields
    limit = fields.limit("max_results", default=DEFAULT_PAGE, most=LONGEST_PAGE)
    wanted = Search(
        experiment_ids=fields.texts("experiment_ids"),
        filter=fields.optional("filter"),
        order_by=fields.texts("order_by"),
        view=view_of(fields, "run_view_type"),
        limit=limit + 1,
        offset=fields.offset(),
    )
    found = tracking_run.search(asked.world, asked.call, asked.workspace, wanted)
    return page("runs", [of_run(one) for one in found], limit=limit, offset=wanted.offset)


def history(asked: Asked) -> Mapping[str, Any]:
    """Return a page of a metric's values."""
    fields = asked.fields
    limit, offset = fields.limit("max_results", default=DEFAULT_HISTORY, most=DEFAULT_HISTORY), fields.offset()
    found = tracking_run.history(
        asked.world, asked.call, asked.workspace, run_id_of(fields), (fields.text("metric_key"), limit + 1, offset)
    )
    return page("metrics", [of_metric(one) for one in found], limit=limit, offset=offset)


def run_id_of(fields: Fields) -> str:
    """Return the run that a call concerns; old clients say `run_uuid`."""
    return fields.optional("run_id") or fields.optional("run_uuid") or fields.text("run_id")


def _instant(fields: Fields, name: str) -> int | None:
    found = fields.integer_or(name)
    return None if found is None else micros_of_ms(name, found)


CALLS = (
    Route(method=HTTPMethod.POST, path="runs/create", permission="experiments/write", verb=create),
    Route(method=HTTPMethod.GET, path="runs/get", permission="experiments/read", verb=get),
    Route(method=HTTPMethod.POST, path="runs/update", permission="experiments/write", verb=update),
    Route(method=HTTPMethod.POST, path="runs/delete", permission="experiments/write", verb=delete),
    Route(method=HTTPMethod.POST, path="runs/restore", permission="experiments/write", verb=restore),
    Route(method=HTTPMethod.POST, path="runs/search", permission="experiments/read", verb=search),
    Route(method=HTTPMethod.GET, path="metrics/get-history", permission="metrics/read", verb=history),
)
