"""MLflow's own clients, unmodified, against a server of ours: the newest 3 and the last 2."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Installation

SCENARIO = Path(__file__).with_name("scenario.py")
SAME = {
    "autolog": ["FINISHED", "0.5", True],
    "params": {"batch": "z", "depth": "3", "kind": "x"},
    "accuracy": 0.5,
    "odd": [True, 1.7976931348623157e308],
    "dataset": "iris",
    "history": [1.0, 0.5, 0.333, 0.25, 0.2],
    "nested": True,
    "listed": ["deep/x.json", "deep/y.txt"],
    "downloaded": ["x.json", "y.txt"],
    "text": "hello",
    "found": True,
    "predicted": True,
    "deleted": "deleted",
}
CLIENTS = [
    ("3.17.2", {"logged model": ["READY", "model", "1"]}, ["mlflow-skinny==3.17.2", "scikit-learn", "pandas"]),
    ("2.22.5", {}, ["mlflow-skinny==2.22.5", "scikit-learn<1.8", "pandas<3", "numpy<3"]),
]


@pytest.mark.parametrize(("version", "more", "packages"), CLIENTS, ids=[version for version, _, _ in CLIENTS])
def test_client_works_as_with_mlflow(
    shared_installation: Installation,
    python_with: Callable[[str, Sequence[str]], Path],
    version: str,
    more: dict[str, Any],
    packages: list[str],
) -> None:
    """Logging, autolog, models, artifacts, search and reading back do what the client's documentation says."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "MLFLOW_TRACKING_URI": f"{shared_installation.address}/mlflow/dev",
        "MLFLOW_TRACKING_TOKEN": shared_installation.token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    }
    command = [str(python_with(f"mlflow-{version}", packages)), str(SCENARIO)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout[done.stdout.index('{"version"') :]) == {"version": version, **SAME, **more}
