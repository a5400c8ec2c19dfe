"""`job why` of jobs that really wait, run and fail."""

import json
import time
from pathlib import Path

from bucle.client import Client
from tests.conftest import Installation, write


def submit(client: Client, folder: Path, **job: object) -> str:
    """Submit a job; return its name."""
    path = write(folder / "job.yml", json.dumps({"environment": {"image": "python"}, **job}))
    return str(client.job.create(path)["name"])


def test_waiting_running_failed(installation: Installation, tmp_path: Path) -> None:
    """With every slot taken the next job says by whom; what fails shows its last forty lines and its exit code."""
    go = tmp_path / "go"
    installation.up()
    with installation.client() as client:
        client.job.wait(submit(client, tmp_path, command="true"))  # so that the environment is built
        held = [submit(client, tmp_path, command=f"while ! ls {go}; do sleep 0.1; done 2> log") for _ in range(16)]
        last = held[-1]
        until = time.monotonic() + 60
        while "slots of the stage are taken" not in (found := client.job.why(last)["steps"][0]["because"]):
            assert time.monotonic() < until, found
            time.sleep(0.1)
        running = [name for name in held if client.job.show(name)["steps"][-1]["status"] == "running"]
        assert set(found.split(": ")[1].replace(" (main)", "").split(", ")) == set(running)
        assert client.job.why(running[0])["steps"][0]["because"].startswith("its command runs for ")
        for name in held:
            client.job.cancel(name)
        failed = submit(client, tmp_path, command="seq 100; exit 3")
        client.job.wait(failed)
        (told,) = client.job.why(failed)["steps"]
        assert (told["status"], told["because"]) == ("failed", "its command ended with exit code 3")
        assert told["log"] == [str(number) for number in range(61, 101)]
        done = submit(client, tmp_path, command="true")
        client.job.wait(done)
        assert client.job.why(done) == {"name": done, "stage": "dev", "status": "completed", "steps": []}
