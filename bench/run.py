"""Prints what the platform costs on this machine, each figure as the median of paired runs; nothing here asserts.

`make bench`. Figures of one run belong together: the baseline beside each is measured in the same loop.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import ROUNDS, bucle, cpu_of, median_ms, rss_of
from scoring import scored
from story import tell

from bucle.client import Client

STEPS = 10


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bucle-bench-") as folder:
        home = Path(folder) / "home"
        told = {
            "python -c pass, CPU": cpu_of([sys.executable, "-c", "pass"]),
            "bucle --help, CPU": cpu_of([sys.executable, "-m", "bucle", "--help"]),
            "server ready (empty folder)": started(home),
        }
        try:
            told |= serving(home)
        finally:
            subprocess.run(bucle(home, "down"), check=False, capture_output=True)
        demo = Path(folder) / "bucle-demo"
        told |= tell(demo)
        told |= scored(demo / ".bucle")
    for name, value in told.items():
        print(f"{name:<44} {value}")


def started(home: Path) -> str:
    """Return how long the first `up` of an empty folder takes."""
    began = time.monotonic()
    subprocess.run(bucle(home, "up", "--port", "0"), check=True, capture_output=True)
    return f"{time.monotonic() - began:.2f} s"


def serving(home: Path) -> dict[str, str]:
    """Return the figures of a running server: memory, answers, a pipeline of no-ops."""
    told = json.loads((home / "server.json").read_bytes())
    token = (home / "admin-token").read_text().strip()
    with Client(told["address"], token) as client:
        job = pipeline(home)
        client.job.wait(client.job.create(job)["name"])  # builds the empty environment once
        return {
            "server RSS": f"{rss_of(told['pid']) / 1e6:.0f} MB",
            "GET /health": median_ms(client.platform.status, 200),
            "GET /stages (authorised)": median_ms(client.stage.list, 200),
            f"pipeline of {STEPS} no-op steps, submit to end": median_ms(
                lambda: client.job.wait(client.job.create(job)["name"]), ROUNDS
            ),
        }


def pipeline(home: Path) -> Path:
    """Write a chain of steps that do nothing."""
    lines = ["type: pipeline", "jobs:"]
    for number in range(STEPS):
        reads = f', inputs: {{x: "${{{{parent.jobs.s{number - 1}.outputs.o}}}}"}}' if number else ""
        outputs = "outputs: {o: {type: uri_folder}}"
        lines.append(f"  s{number}: {{command: 'true', environment: {{image: python}}, {outputs}{reads}}}")
    path = home.parent / "chain.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


main()
