"""`python -m tests.servers --minutes 10 --seed 1`: a campaign by hand; prints figures, leaves with 1 for a finding."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.conftest import Installation
from tests.postgresql import cluster
from tests.servers.campaign import UNFINISHED, Campaign
from tests.servers.house import House


def main() -> int:
    """Run a campaign; keep its folder if it found anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=10, help="seconds from one kill to the next")
    parser.add_argument("--jobs", type=int, default=UNFINISHED, help="unfinished jobs at a time")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bucle-servers-"))
    ledger = Path(tempfile.mkdtemp(prefix="bucle-ledger-", dir="/dev/shm"))
    house = House(installation=Installation(home=root / "home"), records=cluster().database())
    campaign = Campaign(house=house, ledger=ledger, seed=asked.seed, every_s=asked.every, most=asked.jobs, say=_say)
    _say(f"{asked.minutes} minutes, seed {asked.seed}, in {root}, process {os.getpid()}")
    try:
        report = campaign.run(asked.minutes * 60)
    finally:
        house.installation.bucle("down")
    _say(report.words())
    if report.is_clean:
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(ledger, ignore_errors=True)
        return 0
    _say(f"kept for whoever looks: {root}, {ledger}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
