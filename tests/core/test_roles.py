"""The shipped roles: the golden table, and what must hold over every role, tier, action and class."""

import json
from datetime import datetime
from itertools import product
from pathlib import Path

from bucle.core.access import Allow, decide
from bucle.core.actions import ACTIONS, undivided_duties
from bucle.core.classes import ORDER
from bucle.core.roles import BUILT_IN
from bucle.core.scopes import Scope, parse_scope
from bucle.core.snapshot import Caller, Snapshot

GOLDEN = Path(__file__).parent.parent / "golden" / "roles.json"
HELD_BY_NO_ROLE = {"secrets/reveal", "jobs/delete", "models/delete", "breakglass/activate"}
CHANGING = (
    "/write",
    "/delete",
    "/submit",
    "/cancel",
    "/register",
    "/share",
    "/deploy",
    "/execute",
    "/rollback",
)
PLACES = {"platform": "/", "shared": "/registries/shared"} | {
    tier: f"/stages/{tier}" for tier in ("dev", "preprod", "prod")
}


def test_the_role_table_is_the_golden_one() -> None:
    """A new action or a new place is granted by decision: the golden file changes in the same commit."""
    table = {
        role.name: {
            "actions": sorted(role.actions),
            "places": sorted(role.places),
            "ceiling": role.ceiling,
            "holders": sorted(role.holders),
        }
        for role in BUILT_IN.values()
    }
    assert table == json.loads(GOLDEN.read_text())


def test_there_are_78_actions_and_13_roles() -> None:
    """The vocabulary is as long as the access page says."""
    assert (len(ACTIONS), len(BUILT_IN)) == (78, 13)


def test_every_action_is_held_by_some_role_but_four() -> None:
    """Nothing is unreachable by mistake, and the four that nobody holds stay unheld."""
    held = frozenset[str]().union(*(role.actions for role in BUILT_IN.values()))
    assert ACTIONS - held == HELD_BY_NO_ROLE


def test_no_role_joins_duties_that_stay_apart() -> None:
    """Approve with execute, granting with data, labels with rows: the check finds each, roles have none."""
    assert undivided_duties(frozenset({"promotions/approve", "promotions/execute"}))
    assert undivided_duties(frozenset({"assignments/write", "data/read"}))
    assert undivided_duties(frozenset({"datastores/classify", "data/read"}))
    assert {role.name: undivided_duties(role.actions) for role in BUILT_IN.values()} == dict.fromkeys(BUILT_IN, ())


def test_readers_auditors_and_approvers_write_nothing() -> None:
    """The three roles that look on hold no action that changes anything; a role that works does."""
    changed = {
        name: sorted(action for action in BUILT_IN[name].actions if action.endswith(CHANGING)) for name in BUILT_IN
    }
    assert changed["DataScientist"]
    assert [changed["Reader"], changed["Auditor"], changed["Approver"]] == [[], [], []]


def _allowed(house: Snapshot, now: datetime) -> list[tuple[str, str, str, str]]:
    """Return every (role, place, action, class) that is allowed, of some 5,000."""
    scopes: dict[str, Scope] = {place: parse_scope(text) for place, text in PLACES.items()}
    every = product(BUILT_IN, scopes, sorted(ACTIONS), ORDER)
    return [
        (role, place, action, data_class)
        for role, place, action, data_class in every
        if isinstance(
            decide(house, Caller(principal_id=role), action, scopes[place], now=now, data_class=data_class),
            Allow,
        )
    ]


def test_what_must_hold_holds_over_every_combination(house: Snapshot, now: datetime) -> None:
    """Exhaustion: data scientists stay in dev, dev has no production rows, no secret is read."""
    allowed = _allowed(house, now)
    rows = [(role, place, data_class) for role, place, action, data_class in allowed if action.startswith("data/")]
    above = ("production", "restricted")
    assert len(allowed) > 1000
    assert ("DataScientist", "dev", "non-production") in rows
    assert {place for role, place, *_ in allowed if role == "DataScientist"} == {"dev", "shared"}
    assert not [row for row in rows if row[0] == "DataScientist" and row[2] in above]
    assert not [row for row in rows if row[1] == "dev" and row[2] in above]
    assert not [row for row in allowed if row[2] in HELD_BY_NO_ROLE]
    assert {role for role, *_ in rows} == {
        "DataScientist",
        "MLEngineer",
        "DataEngineer",
        "CIBuilder",
        "MonitorAgent",
    }


def test_a_registry_is_read_by_stage_roles_and_written_by_infrastructure(house: Snapshot, now: datetime) -> None:
    """Whoever holds a role in a stage reads registries up to his own ceiling; their makers change them."""
    there = [
        (role, action, data_class) for role, place, action, data_class in _allowed(house, now) if place == "shared"
    ]
    assert ("DataScientist", "models/read", "non-production") in there
    assert ("DataScientist", "models/read", "production") not in there
    assert ("MLEngineer", "models/read", "production") in there
    assert {role for role, action, _ in there if action == "registries/write"} == {"InfraEngineer"}
