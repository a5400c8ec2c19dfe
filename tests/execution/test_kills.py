"""The server is killed at random while jobs run: nothing acknowledged is lost, no step runs after its success."""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from bucle import errors
from tests.conftest import Installation, write
from tests.faults.conftest import Ledger, ledger

__all__ = ["ledger"]

pytestmark = pytest.mark.slow
KILLS = 20
SEED = int(os.environ.get("BUCLE_SEED", "1"))


def test_server_killed_at_random(installation: Installation, ledger: Ledger, tmp_path: Path) -> None:
    """Each acknowledged job ends once; each of its steps wrote one line where no attempt's folder is made anew."""
    chance = random.Random(SEED)
    installation.up()
    job = _job_with_ledger(ledger, tmp_path)
    acknowledged: list[str] = []
    stop = threading.Event()
    submitting = threading.Thread(target=_submit, args=(installation, job, acknowledged, stop))
    submitting.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.5))
            os.kill(installation.pid, signal.SIGKILL)
            installation.up()
    finally:
        stop.set()
        submitting.join()
    _assert_nothing_lost(installation, ledger, acknowledged)


def _job_with_ledger(ledger: Ledger, tmp_path: Path) -> Path:
    """Write a pipeline of two steps, each of which adds its own line to the ledger."""
    line = f"sleep 0.1; echo ${{{{outputs.out}}}} >> {ledger.folder}/lines"
    text = f"""type: pipeline
jobs:
  a: {{command: "{line}", environment: {{image: python}}, outputs: {{out: {{type: uri_folder}}}}}}
  b:
    command: "{line}"
    environment: {{image: python}}
    inputs: {{x: "${{{{parent.jobs.a.outputs.out}}}}"}}
    outputs: {{out: {{type: uri_folder}}}}
"""
    return write(tmp_path / "job.yml", text)


def _submit(installation: Installation, job: Path, acknowledged: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with installation.client() as client:
                acknowledged.append(client.job.create(job)["name"])
        except (errors.BucleError, OSError):
            time.sleep(0.05)
        time.sleep(0.1)


def _assert_nothing_lost(installation: Installation, ledger: Ledger, acknowledged: list[str]) -> None:
    with installation.client() as client:
        ended = {name: client.job.wait(name) for name in acknowledged}
        assert Counter(job["status"] for job in ended.values()) == {"completed": len(acknowledged)}, f"seed {SEED}"
        assert client.audit.verify()["intact"]
    assert len(acknowledged) > 0
    steps = Counter(ledger.lines)
    assert set(steps.values()) == {1}, f"seed {SEED}"
    assert sum(any(f"/jobs/{name}/" in line for name in acknowledged) for line in steps) == 2 * len(acknowledged)
