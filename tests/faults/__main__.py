"""`python -m tests.faults --faults 1000 --seed 1`: a campaign by hand: prints a table, leaves with 1 for a finding."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.serving.conftest import Models, make_models

MEMORY = Path("/dev/shm")


def main() -> int:
    """Run a campaign in the memory of this machine, where no disk slows it down; keep its folder if it found any."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bucle-faults-", dir=MEMORY))
    models = _models()
    _say(f"{asked.faults} faults, seed {asked.seed}, in {root}")
    campaign = Campaign(folder=root, seed=asked.seed, models=models, say=_say)
    report = campaign.run(asked.faults)
    _say(report.words())
    if report.is_clean:
        shutil.rmtree(root, ignore_errors=True)
        return 0
    _say(f"kept for whoever looks: {root}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _models() -> Models | None:
    """Return the models, made once and kept between campaigns; None where their packages cannot be had."""
    folder = Path(tempfile.gettempdir()) / f"bucle-tests-{os.getuid()}" / "models"
    try:
        return make_models(folder)
    except pytest.skip.Exception as reason:
        _say(f"nothing is served in this campaign: {reason}")
        return None


if __name__ == "__main__":
    sys.exit(main())
