"""The protocol's calls as MLflow's server answers them: statuses, error codes, limits, odd numbers."""

from typing import Any

import pytest

from tests.tracking.conftest import Tracker

INVALID = (400, "INVALID_PARAMETER_VALUE")
METRIC: dict[str, Any] = {"key": "a", "value": 1, "timestamp": 1}
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
FINE = (200, "")
RUN = "the run under test"
# What MLflow 3.17.2's own server answered to the same request.
ANSWERS = [
    ("runs/log-metric", {"key": "a", "value": 1.5, "timestamp": 1}, FINE),
    ("runs/log-metric", {"key": "a", "value": "1.5", "timestamp": "1", "step": "2"}, FINE),
    ("runs/log-metric", {"value": 1, "timestamp": 1}, INVALID),
    ("runs/log-metric", {"key": "a", "value": "abc", "timestamp": 1}, INVALID),
    ("runs/log-metric", {"key": "a", "value": 1}, INVALID),
    ("runs/log-metric", {"key": "../a", "value": 1, "timestamp": 1}, INVALID),
    ("runs/log-metric", {"key": "a" * 250, "value": 1, "timestamp": 1}, FINE),
    ("runs/log-metric", {"key": "a" * 251, "value": 1, "timestamp": 1}, INVALID),
    ("runs/log-parameter", {"key": "p", "value": "x" * 7000}, FINE),
    ("runs/set-tag", {"key": "t", "value": "x" * 9000}, FINE),
    ("runs/set-tag", {"key": "t", "value": 5}, INVALID),
    ("runs/delete-tag", {"key": "nowhere"}, MISSING),
    ("runs/log-batch", {"metrics": [{"key": "b", "value": 1, "timestamp": 1}] * 1000}, FINE),
    ("runs/log-batch", {"metrics": [{"key": "b", "value": 1, "timestamp": 1}] * 1001}, INVALID),
    ("runs/log-batch", {"params": [{"key": f"k{n}", "value": "1"} for n in range(101)]}, INVALID),
    ("runs/log-batch", {"params": [{"key": "z", "value": "1"}, {"key": "z", "value": "2"}]}, INVALID),
    ("runs/log-batch", {"metrics": [{"key": "b", "value": 1}]}, INVALID),
    ("GET metrics/get-history", {}, INVALID),
    ("GET metrics/get-history", {"metric_key": "nowhere"}, FINE),
    ("runs/update", {"status": "FINISHED", "end_time": 5}, FINE),
    ("runs/search", {"experiment_ids": [], "page_token": "zzz"}, INVALID),
    ("runs/search", {"experiment_ids": [], "max_results": 50_001}, INVALID),
    ("experiments/create", {"name": ""}, INVALID),
    ("experiments/create", {"name": 123}, INVALID),
    ("experiments/create", {}, INVALID),
    ("GET experiments/get", {}, INVALID),
    ("GET experiments/get", {"experiment_id": "99999"}, MISSING),
    ("GET experiments/get-by-name", {"experiment_name": "nowhere"}, MISSING),
    ("runs/create", {"experiment_id": "99999"}, MISSING),
    ("GET logged-models/m-0", {}, MISSING),
    ("traces/search", {}, (404, "ENDPOINT_NOT_FOUND")),
]


@pytest.mark.parametrize(("call", "body", "expected"), ANSWERS, ids=range(len(ANSWERS)))
def test_answers_are_those_of_mlflow(
    tracker: Tracker, call: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    """Status and error code are the real server's; clients repeat a 5xx for minutes, so nothing permanent is one."""
    assert tracker.code(call, run_id=tracker.run(), **body) == expected


def test_run_that_is_not_there(tracker: Tracker) -> None:
    """A run of nobody's is 404, not 403 nor 500."""
    assert tracker.code("GET runs/get", run_id=tracker.run()) == FINE
    assert tracker.code("GET runs/get", run_id="0" * 32) == MISSING


def test_same_name_twice(tracker: Tracker) -> None:
    """The second experiment of a name is refused by the code that clients look for."""
    assert tracker.code("experiments/create", name="twice") == FINE
    assert tracker.code("experiments/create", name="twice") == (400, "RESOURCE_ALREADY_EXISTS")


def test_numbers_that_are_none(tracker: Tracker) -> None:
    """NaN comes back as NaN; the infinities as the largest doubles, as MLflow keeps them."""
    run = tracker.run()
    for key, value in (("nan", "NaN"), ("up", "Infinity"), ("down", "-Infinity")):
        tracker.done("runs/log-metric", run_id=run, key=key, value=value, timestamp=1)
    found = {row["key"]: row["value"] for row in tracker.shown(run)["data"]["metrics"]}
    assert found == {"nan": "NaN", "up": 1.7976931348623157e308, "down": -1.7976931348623157e308}


@pytest.mark.parametrize("huge", [{"step": 1 << 63}, {"timestamp": 1 << 62}, {"step": "9" * 30}])
def test_integers_beyond_the_columns(tracker: Tracker, huge: dict[str, Any]) -> None:
    """An integer that no column holds is the request's fault."""
    run = tracker.run()
    assert tracker.code("runs/log-metric", run_id=run, **METRIC) == FINE
    assert tracker.code("runs/log-metric", run_id=run, **{**METRIC, **huge}) == INVALID


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"filter": "\\ud800"}'])
def test_bodies_that_are_no_objects(tracker: Tracker, body: bytes) -> None:
    """What is not a JSON object is 400."""
    assert tracker.send("POST", "/api/2.0/mlflow/runs/search", content=b"{}").status_code == 200
    assert tracker.send("POST", "/api/2.0/mlflow/runs/search", content=body).status_code == 400


def test_metric_is_kept_once(tracker: Tracker) -> None:
    """The same measurement sent again, as a client does after a lost answer, is there once; the last one is by step."""
    run = tracker.run()
    for step, value in ((2, 20.0), (1, 10.0), (1, 10.0)):
        tracker.done("runs/log-metric", run_id=run, key="loss", value=value, timestamp=7, step=step)
    history = tracker.done("GET metrics/get-history", run_id=run, metric_key="loss")["metrics"]
    assert [(row["step"], row["value"]) for row in history] == [(1, 10.0), (2, 20.0)]
    assert tracker.shown(run)["data"]["metrics"] == [{"key": "loss", "value": 20.0, "timestamp": 7, "step": 2}]


def test_history_in_pages(tracker: Tracker) -> None:
    """Pages of a history give every value once, in order."""
    run = tracker.run()
    many = [{"key": "loss", "value": n / 10, "timestamp": n, "step": n} for n in range(25)]
    tracker.done("runs/log-batch", run_id=run, metrics=many)
    found, token = [], ""
    for _ in range(3):
        page = tracker.done("GET metrics/get-history", run_id=run, metric_key="loss", max_results=10, page_token=token)
        found += [row["step"] for row in page["metrics"]]
        token = page.get("next_page_token", "")
    assert (found, token) == (list(range(25)), "")


def test_parameter_never_changes(tracker: Tracker) -> None:
    """The same value again is fine, another one is refused and the first stays."""
    run = tracker.run()
    assert tracker.code("runs/log-parameter", run_id=run, key="depth", value="3") == FINE
    assert tracker.code("runs/log-parameter", run_id=run, key="depth", value="3") == FINE
    assert tracker.code("runs/log-parameter", run_id=run, key="depth", value="4") == INVALID
    assert tracker.shown(run)["data"]["params"] == [{"key": "depth", "value": "3"}]


def test_long_values_are_cut(tracker: Tracker) -> None:
    """Parameters hold 6000 characters and tags 8000; what is longer is cut, not refused."""
    run = tracker.run()
    tracker.done(
        "runs/log-batch",
        run_id=run,
        params=[{"key": "p", "value": "x" * 9000}],
        tags=[{"key": "t", "value": "y" * 9000}],
    )
    data = tracker.shown(run)["data"]
    assert len(data["params"][0]["value"]) == 6000
    assert [len(row["value"]) for row in data["tags"] if row["key"] == "t"] == [8000]


def test_batch_is_all_or_nothing(tracker: Tracker) -> None:
    """One bad parameter leaves none of the batch's metrics."""
    run, metrics = tracker.run(), [{"key": "a", "value": 1, "timestamp": 1}]
    tracker.done("runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "depth", "value": "3"}])
    worse = [{"key": "b", "value": 1, "timestamp": 1}]
    assert tracker.code("runs/log-batch", run_id=run, metrics=worse, params=[{"key": "depth", "value": "4"}]) == INVALID
    assert [row["key"] for row in tracker.shown(run)["data"]["metrics"]] == ["a"]


def test_deleted_run_takes_nothing_more(tracker: Tracker) -> None:
    """A deleted run refuses measurements until it is restored."""
    run = tracker.run()
    assert tracker.code("runs/log-metric", run_id=run, **METRIC) == FINE
    tracker.done("runs/delete", run_id=run)
    assert tracker.code("runs/log-metric", run_id=run, **METRIC) == INVALID
    tracker.done("runs/restore", run_id=run)
    assert tracker.code("runs/log-metric", run_id=run, **METRIC) == FINE


def test_deleted_experiment(tracker: Tracker) -> None:
    """A deleted experiment takes its runs along and takes no new ones; both come back with it."""
    experiment = tracker.experiment()
    run = tracker.run(experiment)
    tracker.done("experiments/delete", experiment_id=experiment)
    assert tracker.shown(run)["info"]["lifecycle_stage"] == "deleted"
    assert tracker.code("runs/create", experiment_id=experiment) == INVALID
    tracker.done("experiments/restore", experiment_id=experiment)
    assert tracker.shown(run)["info"]["lifecycle_stage"] == "active"


def test_default_experiment(tracker: Tracker) -> None:
    """A client that names no experiment means `0`, the one called Default."""
    run = tracker.run("0")
    found = tracker.done("GET experiments/get-by-name", experiment_name="Default")["experiment"]
    assert tracker.shown(run)["info"]["experiment_id"] == found["experiment_id"]


def test_artifact_location_is_not_the_clients(tracker: Tracker) -> None:
    """No client points an experiment at a place of its choice, a folder of the server least of all."""
    assert tracker.code("experiments/create", name="mine") == FINE
    assert tracker.code("experiments/create", name="theirs", artifact_location="file:///etc") == INVALID


def test_datasets_and_models_of_a_run(tracker: Tracker) -> None:
    """What went in and what came out is shown with the run."""
    experiment = tracker.experiment()
    run = tracker.run(experiment)
    dataset = {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"}
    used = [{"tags": [{"key": "mlflow.data.context", "value": "train"}], "dataset": dataset}]
    model = tracker.done("logged-models", experiment_id=experiment, name="m", source_run_id=run)["model"]["info"]
    tracker.done("runs/log-inputs", run_id=run, datasets=used)
    tracker.done("runs/outputs", run_id=run, models=[{"model_id": model["model_id"], "step": 3}])
    shown = tracker.shown(run)
    assert shown["inputs"]["dataset_inputs"] == used
    assert shown["outputs"]["model_outputs"] == [{"model_id": model["model_id"], "step": 3}]


def test_life_of_a_logged_model(tracker: Tracker) -> None:
    """A model is pending, then ready; it has tags, parameters and the metrics that name it, and goes when deleted."""
    experiment = tracker.experiment()
    run = tracker.run(experiment)
    model = tracker.done("logged-models", experiment_id=experiment, name="m", source_run_id=run)["model"]["info"]
    where = f"logged-models/{model['model_id']}"
    assert model["status"] == "LOGGED_MODEL_PENDING"
    tracker.done(f"PATCH {where}", status="LOGGED_MODEL_READY")
    tracker.done(f"PATCH {where}/tags", tags=[{"key": "colour", "value": "red"}])
    tracker.done(f"{where}/params", params=[{"key": "depth", "value": "3"}])
    tracker.done("runs/log-metric", run_id=run, key="acc", value=0.5, timestamp=1, model_id=model["model_id"])
    found = tracker.done(
        "logged-models/search", experiment_ids=[experiment], filter="metrics.acc > 0.4 AND tags.colour = 'red'"
    )["models"]
    assert [(one["info"]["status"], one["data"]["params"]) for one in found] == [
        ("LOGGED_MODEL_READY", [{"key": "depth", "value": "3"}])
    ]
    tracker.done(f"DELETE {where}")
    assert tracker.code(f"GET {where}") == MISSING


def test_nan_as_a_word(tracker: Tracker) -> None:
    """NaN that is no JSON, which Python's encoder writes, is read like the text, and spoils no later reading."""
    run = tracker.run()
    for body in (
        f'{{"run_id": "{run}", "key": "a", "value": NaN, "timestamp": 1}}',
        f'{{"run_id": "{run}", "key": "b", "value": Infinity, "timestamp": 1}}',
    ):
        assert tracker.send("POST", "/api/2.0/mlflow/runs/log-metric", content=body.encode()).status_code == 200
    found = {row["key"]: row["value"] for row in tracker.shown(run)["data"]["metrics"]}
    assert found == {"a": "NaN", "b": 1.7976931348623157e308}


BEYOND: list[dict[str, Any]] = [
    {"filter": " AND ".join(["status = 'x'"] * 200)},
    {"filter": "run_id IN (" + ",".join(["'a'"] * 40_000) + ")"},
    {"filter": "tags.a LIKE '" + "%a" * 60_000 + "'"},
    {"order_by": [f"metrics.m{n}" for n in range(70)]},
]


@pytest.mark.parametrize("asked", BEYOND, ids=["clauses", "list", "pattern", "order"])
def test_search_beyond_what_a_query_holds(tracker: Tracker, asked: dict[str, Any]) -> None:
    """A search too long for the database is the request's fault, not the server's."""
    fine: dict[str, Any] = {"filter": "run_id IN ('a', 'b') AND tags.a LIKE '%a'", "order_by": ["metrics.a"]}
    assert tracker.code("runs/search", experiment_ids=["0"], **fine) == FINE
    assert tracker.code("runs/search", experiment_ids=["0"], **asked) == INVALID
