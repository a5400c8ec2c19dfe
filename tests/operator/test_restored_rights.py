"""A restored installation gives everybody what he had, and nobody more (T24)."""

from contextlib import closing
from pathlib import Path

from bucle.access.policy import read_snapshot
from bucle.config import Home
from bucle.core.access import Allow, decide
from bucle.core.actions import ACTIONS
from bucle.core.classes import ORDER
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Caller, Snapshot
from bucle.server.backup import take
from bucle.server.records import hold
from bucle.server.restore import restore
from tests.operator.conftest import House

FILE = {
    "name": "bucle",
    "governance": "team",
    "paths": {"main": ["dev", "preprod", "prod"]},
    "stages": {name: {"tier": name} for name in ("dev", "preprod", "prod")},
    "principals": [
        {"name": "ana", "kind": "person"},
        {"name": "ben", "kind": "person"},
        {"name": "bot", "kind": "service", "owner": "ana"},
    ],
    "roles": [{"name": "Watcher", "actions": ["jobs/read"], "places": ["dev", "prod"]}],
    "groups": [{"name": "room", "members": ["ben", "bot"]}],
    "bindings": [
        {"principal": "room", "role": "Watcher", "scope": "/stages/prod"},
        {"principal": "ana", "role": "DataScientist", "scope": "/stages/dev"},
        {"principal": "ben", "role": "Reader", "scope": "/stages/dev", "expires": "2099-12-31"},
        {"principal": "bot", "role": "CIReleaser", "scope": "/stages/prod"},
    ],
}
SCOPES = ("/", "/stages/dev", "/stages/preprod", "/stages/prod", "/stages/prod/models/m", "/registries/shared")


def matrix(snapshot: Snapshot, house: House) -> set[tuple[str, str, str, str]]:
    """Return everything that anybody may do: by name, action, scope and class."""
    return {
        (one.name, action, scope, data_class)
        for one in snapshot.principals
        for action in ACTIONS
        for scope in SCOPES
        for data_class in ORDER
        if isinstance(
            decide(
                snapshot,
                Caller(principal_id=one.id),
                action,
                parse_scope(scope),
                now=house.clock(),
                data_class=data_class,
            ),
            Allow,
        )
    }


def test_rights_are_the_same_after_a_restore(house: House, tmp_path: Path) -> None:
    """Roles, groups, bindings that end, who is disabled: every cell of the matrix, and the snapshot itself."""
    assert house.done("POST", "/platform:apply", house.admin, FILE)["left"] == 0
    house.person("gone", ("Reader", "/stages/prod"))
    house.done("POST", "/principals/gone:disable", house.admin)
    with house.world.read() as rows:
        before = read_snapshot(rows)
    take(house.world.home, tmp_path / "backup")
    restored = Home(root=tmp_path / "restored")
    restore(tmp_path / "backup", restored, None)
    with closing(hold(restored, None)) as held, held.records.read() as rows:
        after = read_snapshot(rows)
    assert after == before
    told = matrix(before, house)
    assert {name for name, *_ in told} >= {"admin", "ana", "ben", "bot", "room"}
    assert matrix(after, house) == told
