"""`bucle doctor`: what this host can hold is found out by doing, and told act by act."""

import shutil

import pytest

from bucle.runtime.landlock import landlock_abi
from tests.conftest import Installation

pytestmark = pytest.mark.skipif(landlock_abi() < 6, reason="this kernel has no Landlock that scopes signals (ABI 6)")

STAY_OPEN = {"19", "21", "22", "23", "24"}  # access.md, section 6
NUMBERS = {f"{number:02}" for number in range(1, 29)}


def test_acts_in_every_mode(installation: Installation) -> None:
    """All 28 acts work as a plain process; five stay open in `auto`, none in `strict`, and the exit code is 0."""
    ran = installation.bucle("doctor", "--isolation", "-o", "json")
    rows = ran.json()
    assert isinstance(rows, list)
    assert {row["act"][:2] for row in rows} == NUMBERS
    assert {row["act"][:2] for row in rows if row["none"] == "open"} >= {"01", "11", "12", "17", "20", "28"}
    assert {row["act"][:2] for row in rows if row["plain"] == "open" and row["auto"] == "open"} == STAY_OPEN
    if shutil.which("bwrap") is not None:
        assert [row["act"] for row in rows if row["strict"] != "stopped"] == []
    assert (ran.code, [row for row in rows if "broken" in row.values()]) == (0, [])


def test_summary(installation: Installation) -> None:
    """Without the flag the summary names each act that stays open and what stops it; nothing fails."""
    ran = installation.bucle("doctor", "-o", "json")
    rows = ran.json()
    assert isinstance(rows, list)
    told = {row["detail"][:2] for row in rows if row["verdict"] == "open"}
    assert (ran.code, told) == (0, STAY_OPEN)
