"""Who may do what through the MLflow door: permissions of its routes, workspaces, tokens of jobs."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from bucle.access import settings
from bucle.mlflow.routes import mlflow_router
from bucle.server.app import effective_routes
from tests.tracking.conftest import API, ARTIFACTS, Tracker

METRIC: dict[str, Any] = {"key": "a", "value": 1, "timestamp": 1}
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
REFUSED = (403, "PERMISSION_DENIED")
UNKNOWN = (401, "UNAUTHENTICATED")
FINE = (200, "")
# The reviewed table: what each call of the protocol takes. `read` and `write` are of experiments.
PERMISSIONS = """
read   GET    experiments/get               read   GET    experiments/get-by-name
read   POST   experiments/search            read   GET    experiments/search
write  POST   experiments/create            write  POST   experiments/update
write  POST   experiments/delete            write  POST   experiments/restore
write  POST   experiments/set-experiment-tag   write  POST   experiments/delete-experiment-tag
read   GET    runs/get                      read   POST   runs/search
write  POST   runs/create                   write  POST   runs/update
write  POST   runs/delete                   write  POST   runs/restore
write  POST   runs/log-metric               write  POST   runs/log-parameter
write  POST   runs/log-batch                write  POST   runs/set-tag
write  POST   runs/delete-tag               write  POST   runs/log-inputs
write  POST   runs/outputs                  write  POST   runs/log-model
read   GET    artifacts/list                write  POST   logged-models
read   POST   logged-models/search          read   GET    logged-models/{model_id}
write  PATCH  logged-models/{model_id}      write  DELETE logged-models/{model_id}
write  POST   logged-models/{model_id}/params  write  PATCH  logged-models/{model_id}/tags
write  DELETE logged-models/{model_id}/tags/{tag_key}
"""
OTHERS = {
    ("GET", "/api/2.0/mlflow/metrics/get-history"): "metrics/read",
    ("GET", ARTIFACTS): "experiments/read",
    ("GET", ARTIFACTS + "/{path:path}"): "models/content/read",
    ("PUT", ARTIFACTS + "/{path:path}"): "experiments/write",
    ("DELETE", ARTIFACTS + "/{path:path}"): "experiments/write",
    ("GET", "/health"): "open",
    ("GET", "/version"): "open",
    ("GET", "/api/3.0/mlflow/server-info"): "open",
}


def test_each_route_has_the_reviewed_permission() -> None:
    """Every route names just the permission of the table; what is not in the table answers that it is not served."""
    words = PERMISSIONS.split()
    rows = zip(words[::3], words[1::3], words[2::3], strict=True)
    expected = OTHERS | {(method, f"{API}/{path}"): f"experiments/{right}" for right, method, path in rows}
    found = {
        (method, route.path.removeprefix("/mlflow/{workspace}")): (route.openapi_extra or {}).get("x-permission")
        for route in effective_routes(mlflow_router().routes)
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert {key: right for key, right in found.items() if key[1] != "/{rest:path}"} == expected


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer bcl_x", "Basic !!", "Basic eDp5"])
def test_nobody_is_let_in(tracker: Tracker, header: str) -> None:
    """Without a token of ours the answer is 401, in MLflow's form."""
    assert tracker.code("experiments/search") == FINE
    answer = tracker.send("POST", f"{API}/experiments/search", json={}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error_code"]) == UNKNOWN


def test_token_as_a_password(tracker: Tracker) -> None:
    """Clients that know user name and password only send the token as the password."""
    text = base64.b64encode(f"anybody:{tracker.admin}".encode()).decode()
    answer = tracker.send("POST", f"{API}/experiments/search", json={}, headers={"Authorization": f"Basic {text}"})
    assert answer.status_code == 200


def test_workspace_of_address_and_header(tracker: Tracker) -> None:
    """A header that names another workspace than the address is refused; the same one is fine."""
    for named, status in (("dev", 200), ("prod", 403)):
        answer = tracker.send("POST", f"{API}/experiments/search", json={}, headers={"X-MLFLOW-WORKSPACE": named})
        assert answer.status_code == status
    assert tracker.code("experiments/search", workspace="nowhere") == MISSING


def test_run_of_another_workspace(tracker: Tracker) -> None:
    """A run is found in its own workspace only, even by one who may look into both."""
    run = tracker.run()
    assert tracker.code("GET runs/get", run_id=run) == FINE
    for call, body in (("GET runs/get", {}), ("runs/log-metric", METRIC), ("runs/delete", {})):
        assert tracker.code(call, workspace="preprod", run_id=run, **body) == MISSING


def test_experiments_of_workspaces_are_apart(tracker: Tracker) -> None:
    """The same name in two workspaces is two experiments, and a search sees one of them."""
    first = tracker.done("experiments/create", name="twin")["experiment_id"]
    second = tracker.done("experiments/create", workspace="preprod", name="twin")["experiment_id"]
    tracker.run(second, workspace="preprod")
    assert first != second
    assert tracker.code("GET experiments/get", experiment_id=second) == MISSING
    assert tracker.done("runs/search", experiment_ids=[first, second])["runs"] == []


def test_job_writes_its_own_runs_only(tracker: Tracker) -> None:
    """The token of a job logs to runs of that job; runs of others, of people, and of other stages it cannot touch."""
    mine, other = tracker.job_token("dev", "calm_heron"), tracker.job_token("dev", "loud_crow")
    run, foreign, persons = tracker.run(token=mine), tracker.run(token=other), tracker.run()
    assert tracker.code("runs/log-metric", mine, run_id=run, **METRIC) == FINE
    assert tracker.code("runs/log-metric", mine, run_id=foreign, **METRIC) == MISSING
    assert tracker.code("runs/log-metric", mine, run_id=persons, **METRIC) == REFUSED
    assert tracker.code("GET runs/get", mine, run_id=foreign) == MISSING
    assert tracker.code("runs/create", mine, workspace="preprod", experiment_id="0") == MISSING


def test_job_finds_its_own_runs_only(tracker: Tracker) -> None:
    """A search with the token of a job finds what the job made, in an experiment that others use too."""
    experiment, token = tracker.experiment(), tracker.job_token("dev", "calm_heron")
    tracker.run(experiment)
    run = tracker.run(experiment, token)
    assert len(tracker.done("runs/search", experiment_ids=[experiment])["runs"]) == 2
    found = tracker.done("runs/search", token, experiment_ids=[experiment])["runs"]
    assert [one["info"]["run_id"] for one in found] == [run]


def test_job_reads_back_what_it_wrote(tracker: Tracker) -> None:
    """A job sends artifacts to its run and reads them; those of a person's run it does not."""
    token = tracker.job_token("dev", "calm_heron")
    roots = [tracker.shown(run)["info"]["artifact_uri"][18:] for run in (tracker.run(token=token), tracker.run())]
    for root in roots:
        assert tracker.send("PUT", f"{ARTIFACTS}/{root}/x", content=b"1").status_code == 200
    read = [tracker.send("GET", f"{ARTIFACTS}/{root}/x", token=token).status_code for root in roots]
    sent = [tracker.send("PUT", f"{ARTIFACTS}/{root}/y", token=token, content=b"1").status_code for root in roots]
    assert (read, sent) == ([200, 403], [200, 403])


def test_token_ends(tracker: Tracker) -> None:
    """A token lets through until its last second, then nothing; one that expired is told from one that never was."""
    token = tracker.job_token("dev", "calm_heron", seconds=60)
    run = tracker.run(token=token)
    tracker.clock.at += timedelta(seconds=59)
    assert tracker.code("runs/log-metric", token, run_id=run, **METRIC) == FINE
    tracker.clock.at += timedelta(seconds=1)
    assert tracker.code("runs/log-metric", token, run_id=run, **METRIC) == UNKNOWN


def test_what_the_platform_says_of_a_run_stays(tracker: Tracker) -> None:
    """No client writes or takes away a key of the platform's, so that `bucle.*` can be believed."""
    run = tracker.run()
    assert tracker.code("runs/set-tag", run_id=run, key="job", value="x") == FINE
    for call, body in (
        ("runs/set-tag", {"run_id": run, "key": "bucle.job", "value": "x"}),
        ("runs/log-parameter", {"run_id": run, "key": "bucle.alpha", "value": "x"}),
        ("runs/delete-tag", {"run_id": run, "key": "bucle.job"}),
        ("runs/create", {"experiment_id": "0", "tags": [{"key": "bucle.job", "value": "x"}]}),
    ):
        assert tracker.code(call, **body) == REFUSED


def test_refusal_is_written_down(tracker: Tracker) -> None:
    """What is refused at this door stands in the platform's chain like what is refused at any other."""
    token, run = tracker.job_token("dev", "calm_heron"), tracker.run()
    assert tracker.code("runs/log-metric", token, run_id=run, **METRIC) == REFUSED
    headers = {"Authorization": f"Bearer {tracker.admin}"}
    lines = tracker.api.get("/api/v1/audit", params={"limit": 1000}, headers=headers).json()["value"]
    assert [one for one in lines if one["what"] == "denied" and "runs/log-metric" in one["subject"]]


def test_one_workspace_for_all_stages(tracker: Tracker) -> None:
    """In `layout: single` the platform's name is an address too: of the job's own stage, for a person of his first."""
    token = tracker.job_token("prod", "train_2")
    run = tracker.run(token=token, workspace="prod")
    here = tracker.run()
    with tracker.world.records.write(tracker.clock()) as transaction:
        settings.change_setting(transaction, "layout", "single")
    try:
        for caller, mine, other in ((token, run, here), (None, here, run)):
            assert tracker.done("GET runs/get", caller, "bucle", run_id=mine)["run"]["info"]["run_id"] == mine
            assert tracker.code("GET runs/get", caller, "bucle", run_id=other)[0] == 404
    finally:
        with tracker.world.records.write(tracker.clock()) as transaction:
            settings.change_setting(transaction, "layout", "separate")
    assert tracker.code("GET runs/get", None, "bucle", run_id=here)[0] == 404
