"""Runs of jobs: what user code is given, where what it logs goes, and what becomes of its run and its token."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bucle.client import Client
from tests.conftest import Installation, write

PLAIN = "environment: {image: python}\n"
LEARNING = """environment:
  image: python
  conda_file:
    dependencies: [pip, {pip: [mlflow-skinny==3.17.2, scikit-learn, pandas]}]
"""
# Logs by the standard library alone, and leaves what it was given among its outputs for the test to read.
SCRIPT = """
import json, os, sys, urllib.request
given = {name: value for name, value in os.environ.items() if name.startswith(("MLFLOW_", "GIT_"))}
os.makedirs("outputs", exist_ok=True)
json.dump(given, open("outputs/given.json", "w"))
def call(name, **body):
    request = urllib.request.Request(
        given["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + name, json.dumps(body).encode(),
        {"Authorization": "Bearer " + given["MLFLOW_TRACKING_TOKEN"]})
    return json.load(urllib.request.urlopen(request))
call("runs/log-metric", run_id=given["MLFLOW_RUN_ID"], key="seen", value=7, timestamp=1)
inner = call("runs/create", experiment_id="0", run_name="inner")
if len(sys.argv) > 2:
    call("runs/update", run_id=given["MLFLOW_RUN_ID"], status="FINISHED")
sys.exit(int(sys.argv[1]))
"""
AUTOLOG = """
import mlflow
mlflow.autolog()
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
LogisticRegression(max_iter=200, C=0.5).fit(X, y)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A job that has ended, what its code was given, and the runs that stand for it."""

    job: Mapping[str, Any]
    given: Mapping[str, str]
    runs: Mapping[str, Mapping[str, Any]]
    """By name: `<job>` the job's own, `<job>/main` the attempt's, and those its code made."""


def _call(installation: Installation, name: str, token: str | None = None, **body: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{installation.address}/mlflow/dev/api/2.0/mlflow/{name}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token or installation.token}"},
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _run(installation: Installation, client: Client, folder: Path, text: str, script: str) -> Tracked:
    """Run a script as a job, wait for its end, and look at what it left."""
    write(folder / "src" / "script.py", script)
    job = client.job.wait(client.job.create(write(folder / "job.yml", f"code: src\n{text}"))["name"])
    outputs = list(installation.home.glob("attempts/*/work/outputs/given.json"))
    given = max(outputs, key=lambda path: path.stat().st_mtime, default=None)
    found = _call(installation, "runs/search", experiment_ids=_experiments(installation), filter="status != 'RUNNING'")
    mine = [run for run in found["runs"] if _tags(run).get("bucle.job") == job["name"]]
    parents = {run["info"]["run_id"] for run in mine}
    mine += [run for run in found["runs"] if _tags(run).get("mlflow.parentRunId") in parents and run not in mine]
    runs = {run["info"]["run_name"]: run for run in mine}
    return Tracked(job=job, given={} if given is None else json.loads(given.read_text()), runs=runs)


def _experiments(installation: Installation) -> list[str]:
    return [one["experiment_id"] for one in _call(installation, "experiments/search")["experiments"]]


def _tags(run: Mapping[str, Any]) -> dict[str, str]:
    return {row["key"]: row["value"] for row in run["data"]["tags"]}


@pytest.fixture(scope="module")
def fine(shared_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Run a job that logs and ends well."""
    text = f"""command: python script.py 0 ${{{{inputs.alpha}}}}
experiment_name: plain
inputs: {{alpha: 0.25}}
tags: {{team: red}}
limits: {{timeout: 600}}
{PLAIN}"""
    with shared_installation.client() as client:
        return _run(shared_installation, client, tmp_path_factory.mktemp("fine"), text, SCRIPT)


def test_attempt_logs_to_its_own_run(fine: Tracked) -> None:
    """What user code logs stands on the run of its attempt, below the run of its job."""
    name = fine.job["name"]
    attempt, parent = fine.runs[f"{name}/main"], fine.runs[name]
    assert fine.given["MLFLOW_RUN_ID"] == attempt["info"]["run_id"]
    assert [(row["key"], row["value"]) for row in attempt["data"]["metrics"]] == [("seen", 7.0)]
    assert _tags(attempt)["mlflow.parentRunId"] == parent["info"]["run_id"]


def test_user_code_is_given_what_clients_read(shared_installation: Installation, fine: Tracked) -> None:
    """The address names the workspace, telemetry is off, git is quiet, the experiment is the job's."""
    given = dict(fine.given)
    assert given.pop("MLFLOW_TRACKING_TOKEN").startswith("bcl_")
    assert len(given.pop("MLFLOW_RUN_ID")) == 32
    assert given == {
        "MLFLOW_TRACKING_URI": f"{shared_installation.address}/mlflow/dev",
        "MLFLOW_EXPERIMENT_NAME": "plain",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def test_run_tells_what_it_came_from(fine: Tracked) -> None:
    """Job, step, try, code and environment stand on the run as tags, literal inputs as parameters."""
    attempt = fine.runs[f"{fine.job['name']}/main"]
    tags = _tags(attempt)
    assert (tags["bucle.job"], tags["bucle.step"], tags["bucle.attempt"]) == (fine.job["name"], "main", "1")
    assert tags["bucle.code"].startswith("sha256:")
    assert tags["bucle.environment"].startswith("sha256:")
    assert attempt["data"]["params"] == [{"key": "bucle.alpha", "value": "0.25"}]
    assert _tags(fine.runs[fine.job["name"]])["team"] == "red"


def test_all_runs_of_a_job_end_with_it(fine: Tracked) -> None:
    """The job's run, the attempt's, and one that its code left open are finished when the job is."""
    ends = {run["info"]["status"] for run in fine.runs.values()}
    assert (len(fine.runs), ends) == (3, {"FINISHED"})


def test_run_made_by_code_hangs_below_the_job(fine: Tracked) -> None:
    """A run that user code starts without naming a parent is the job's child."""
    assert _tags(fine.runs["inner"])["mlflow.parentRunId"] == fine.runs[fine.job["name"]]["info"]["run_id"]


def test_token_of_an_ended_attempt_opens_nothing(shared_installation: Installation, fine: Tracked) -> None:
    """The token that the code had, which logged a metric while it ran, is refused once the attempt has ended."""
    assert fine.runs[f"{fine.job['name']}/main"]["data"]["metrics"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        _call(shared_installation, "experiments/search", token=fine.given["MLFLOW_TRACKING_TOKEN"])


def test_run_follows_the_exit_code(shared_installation: Installation, client: Client, tmp_path: Path) -> None:
    """Code that calls its run finished and then exits with 3 has a failed run, and so has its job."""
    text = f"command: python script.py 3 finished-it-said\n{PLAIN}"
    failed = _run(shared_installation, client, tmp_path, text, SCRIPT)
    name = failed.job["name"]
    assert failed.job["status"] == "failed"
    assert [failed.runs[run]["info"]["status"] for run in (name, f"{name}/main")] == ["FAILED", "FAILED"]


def test_plain_autolog_in_an_isolated_job(shared_installation: Installation, client: Client, tmp_path: Path) -> None:
    """A script that says `mlflow.autolog()` and nothing else of MLflow leaves parameters, metrics and its model."""
    text = f"command: python script.py\nexperiment_name: learning\n{LEARNING}"
    learnt = _run(shared_installation, client, tmp_path, text, AUTOLOG)
    if learnt.job["status"] != "completed":
        log = client.job.log(learnt.job["name"]).decode()
        if "error sending request" in log or "dns error" in log:
            pytest.skip("the package index cannot be reached")
        pytest.fail(log[-2000:])
    run = learnt.runs[f"{learnt.job['name']}/main"]
    assert {"key": "C", "value": "0.5"} in run["data"]["params"]
    assert "training_accuracy_score" in {row["key"] for row in run["data"]["metrics"]}
    models = _call(shared_installation, "logged-models/search", experiment_ids=[run["info"]["experiment_id"]])["models"]
    assert [one["info"]["source_run_id"] for one in models] == [run["info"]["run_id"]]


FIND = """
import sys, mlflow
wanted = f"tags.`mlflow.source.git.commit` = '{sys.argv[1]}'"
found = mlflow.search_runs(search_all_experiments=True, filter_string=wanted)
for _, run in found.iterrows():
    told = [run["tags.mlflow." + name] for name in ("runName", "source.name", "source.type", "source.git.branch")]
    print("|".join(map(str, told)))
"""


def test_runs_name_the_commit_of_their_code(
    shared_installation: Installation,
    client: Client,
    python_with: Callable[[str, Sequence[str]], Path],
    tmp_path: Path,
) -> None:
    """MLflow's own client finds a job's runs by the commit of its code, also the run that the code itself made."""
    write(tmp_path / "src" / "script.py", SCRIPT)
    commit = _committed(tmp_path)
    job = _run(shared_installation, client, tmp_path, f"command: python script.py 0\n{PLAIN}", SCRIPT).job["name"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "MLFLOW_TRACKING_URI": f"{shared_installation.address}/mlflow/dev",
        "MLFLOW_TRACKING_TOKEN": shared_installation.token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    python = python_with("mlflow-3.17.2", ["mlflow-skinny==3.17.2", "scikit-learn", "pandas"])
    command = [str(python), "-c", FIND, commit]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = {f"{job}|{job}|JOB|trunk", f"{job}/main|{job}|JOB|trunk", "inner|nan|nan|trunk"}
    assert set(done.stdout.split()) == expected


def _committed(folder: Path) -> str:
    """Make a repository of a folder, on the branch `trunk`; return the commit as git tells it."""
    git = ["git", "-C", str(folder), "-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    for words in (["init", "-q", "-b", "trunk"], ["add", "."], ["commit", "-q", "-m", "code"]):
        subprocess.run([*git, *words], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
