"""The tables of expected answers held against MLflow's own server, so that they are its answers and not our wishes."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.test_protocol import ANSWERS
from tests.tracking.test_search import FOUND, ORDERED, REFUSED, RUNS_THERE

PACKAGES = [
    "mlflow-skinny==3.17.2",
    "sqlalchemy==2.1.9",
    "alembic==1.20.1",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    "uvicorn",
]
# Where ours is stricter on purpose: an AND in front of the first clause, a list whose comma is missing.
STRICTER = {"AND status = 'x'", "run_id IN ('a' 'b')"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """MLflow's server, and the experiment with the runs of the search tables."""

    address: str

    def ask(self, path: str, /, **body: Any) -> tuple[int, dict[str, Any]]:
        """Make a call as the tracker of the other tests does; return status and answer."""
        method, _, name = path.rpartition(" ")
        url, data = f"{self.address}/api/2.0/mlflow/{name}", json.dumps(body).encode()
        if method == "GET":
            url, data = f"{url}?{urllib.parse.urlencode(body)}", b""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data or None, headers, method=method or "POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _document(error.read())

    def run(self, experiment: str, **body: Any) -> str:
        """Make a run; return its id."""
        return str(self.ask("runs/create", experiment_id=experiment, **body)[1]["run"]["info"]["run_id"])


def _document(body: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        return {}
    return found


@pytest.fixture(scope="module")
def oracle(
    python_with: Callable[[str, Sequence[str]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Oracle]:
    """Start MLflow's server on SQLite, from an environment of its own."""
    python, folder = python_with("mlflow-oracle", PACKAGES), tmp_path_factory.mktemp("oracle")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        **os.environ,
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/oracle.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [str(python), "-m", "uvicorn", "--interface", "wsgi", "--port", str(port), "mlflow.server:app"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/health", server)
        yield Oracle(address=f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def _wait(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("MLflow's server did not start")


@pytest.fixture(scope="module")
def forest(oracle: Oracle) -> str:
    """Give the experiment of the search tables, made on MLflow's server."""
    experiment = str(oracle.ask("experiments/create", name="forest")[1]["experiment_id"])
    for name, accuracy, depth, colour, start in RUNS_THERE:
        run = oracle.run(experiment, run_name=name, start_time=start)
        metrics = [] if accuracy is None else [{"key": "accuracy", "value": accuracy, "timestamp": 1}]
        marks = [{"key": "colour", "value": colour}]
        oracle.ask("runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "depth", "value": depth}], tags=marks)
        if name == "ash":
            context = [{"key": "mlflow.data.context", "value": "train"}]
            dataset = {"name": "iris", "digest": "d", "source_type": "s", "source": "{}"}
            oracle.ask("runs/log-inputs", run_id=run, datasets=[{"tags": context, "dataset": dataset}])
    return experiment


def _names(oracle: Oracle, forest: str, **asked: Any) -> str:
    status, found = oracle.ask("runs/search", experiment_ids=[forest], **asked)
    assert status == 200, found
    return " ".join(one["info"]["run_name"] for one in found.get("runs", []))


@pytest.mark.parametrize(("call", "body", "expected"), ANSWERS, ids=range(len(ANSWERS)))
def test_answers(oracle: Oracle, call: str, body: dict[str, Any], expected: tuple[int, str]) -> None:
    """Status and error code of the protocol's table are MLflow's; a call that we do not serve is left out."""
    if expected[1] == "ENDPOINT_NOT_FOUND":
        return
    run = oracle.run("0")
    status, answer = oracle.ask(call, **{"run_id": run, **body})
    assert (status, answer.get("error_code", "")) == expected


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_filters(oracle: Oracle, forest: str, text: str, expected: str) -> None:
    """Each filter of the search table finds the same runs, in the same order."""
    assert _names(oracle, forest, filter=text) == expected


@pytest.mark.parametrize("text", [text for text in REFUSED if text not in STRICTER])
def test_refused_filters(oracle: Oracle, forest: str, text: str) -> None:
    """Each filter that we refuse, MLflow refuses."""
    status, answer = oracle.ask("runs/search", experiment_ids=[forest], filter=text)
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(("order", "expected"), ORDERED)
def test_orders(oracle: Oracle, forest: str, order: list[str], expected: str) -> None:
    """Each order of the search table gives the same order."""
    assert _names(oracle, forest, order_by=order) == expected
