"""The mission's sentences, written by hand as rows of role, tier, action, class and verdict."""

import csv
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from bucle.core.access import Allow, decide
from bucle.core.actions import Action
from bucle.core.classes import DataClass
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Caller, Snapshot

ROWS = list(
    csv.DictReader((Path(__file__).parent.parent / "mission_matrix.tsv").read_text().splitlines(), delimiter="\t")
)
PLACES = {"platform": "/", "shared": "/registries/shared"}


@pytest.mark.parametrize("row", ROWS, ids=["-".join(list(row.values())[:4]) for row in ROWS])
def test_the_engine_says_what_the_mission_says(house: Snapshot, now: datetime, row: dict[str, str]) -> None:
    """One row: who holds the role where he may hold it asks for the action there."""
    scope = parse_scope(PLACES.get(row["tier"], f"/stages/{row['tier']}"))
    data_class = cast("DataClass | None", None if row["data_class"] == "-" else row["data_class"])
    action = cast("Action", row["action"])
    decision = decide(house, Caller(principal_id=row["role"]), action, scope, now=now, data_class=data_class)
    assert ("allow" if isinstance(decision, Allow) else "deny") == row["expected"], row["sentence"]


def test_the_matrix_says_yes_and_no_for_every_role() -> None:
    """A table of denials only would pass with an engine that always refuses."""
    verdicts: dict[str, set[str]] = defaultdict(set)
    for row in ROWS:
        verdicts[row["role"]].add(row["expected"])
    assert len(ROWS) >= 120
    assert len({tuple(row.values())[:4] for row in ROWS}) == len(ROWS)
    assert {role for role, seen in verdicts.items() if seen == {"allow", "deny"}} == set(verdicts) - {"nobody"}
