"""The campaign of `python -m tests.servers`, short."""

import os

from tests.faults.conftest import Ledger
from tests.servers.campaign import Campaign
from tests.servers.house import House

SECONDS = 600 if os.environ.get("BUCLE_TEST_ALL") else 12


def test_one_of_two_is_killed_again_and_again(house: House, ledger: Ledger) -> None:
    """Each step runs once and is recorded once, whichever server was killed; nothing acknowledged is lost."""
    all_of_it = SECONDS > 60
    campaign = Campaign(
        house=house, ledger=ledger.folder, seed=1, every_s=10 if all_of_it else 3, most=50 if all_of_it else 6
    )
    report = campaign.run(SECONDS)
    assert report.is_clean, report.words()
    assert report.acknowledged > 3
    assert sum(report.killed.values()) > 0
