"""Azure's own hello-world jobs run as they are: unmodified files of azureml-examples (MIT), to exit 0."""

from pathlib import Path

import pytest

from bucle.client import Client
from tests.conftest import SHARED

BASICS = SHARED / "conformance" / "azureml-examples" / "cli" / "jobs" / "basics"
SAID = {
    "hello-world.yml": "hello world\n",
    "hello-world-org.yml": "hello world\n",
    "hello-world-env-var.yml": "hello world\n",
    "hello-world-input.yml": "hello world\n42\n",
    "hello-world-output.yml": "",
    "hello-world-output-data.yml": "",
}


@pytest.mark.parametrize("name", sorted(SAID))
def test_hello_world_runs(client: Client, name: str) -> None:
    """The job completes and prints what its author meant."""
    if not BASICS.is_dir():
        pytest.skip("the examples of azureml-examples are not beside this checkout")
    job = client.job.wait(client.job.create(Path(BASICS / name))["name"])
    assert (job["status"], client.job.log(job["name"], step="main").decode()) == ("completed", SAID[name])
