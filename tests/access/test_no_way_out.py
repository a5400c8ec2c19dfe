"""No sequence of calls by somebody with a role reaches an action outside that role (T11).

He grants, revokes, makes principals, tokens and roles, fills groups, applies platform files, waits; with his session,
with every token that he can get, by himself and by his service. What his role holds is read from the golden file and
the access page. One thing is left out, since no rule can forbid it: who may invite can redeem the code himself and
act under another's name; the record names him.
"""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bucle.access import principals, tokens
from bucle.core.access import Allow, decide
from bucle.core.actions import ACTIONS
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Caller
from tests.access.conftest import PASSWORD, House, open_house
from tests.access.route_walk import JOB, ROLES, SERVICES

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "roles.json").read_text())
CUSTOM: dict[str, dict[str, Any]] = {
    "Watcher": {"actions": ["jobs/read", "jobs/logs/read"], "places": ["dev", "prod"]},
    "Granter": {"actions": ["assignments/read", "assignments/write"], "places": ["platform"]},
    "Inviter": {"actions": ["principals/read", "principals/write"], "places": ["platform"]},
    "RoleMaker": {"actions": ["roles/read", "roles/write", "principals/write"], "places": ["platform"]},
}
HELD = {
    **{name: set(row["actions"]) for name, row in GOLDEN.items()},
    **{n: set(r["actions"]) for n, r in CUSTOM.items()},
}
READING = HELD["Reader"]
STAGES = ("dev", "preprod", "prod")
SCOPES = ("/", *(f"/stages/{stage}" for stage in STAGES), "/registries/shared")
NAMES = ("mallory", "mallory", "bot", "circle", "other", "robot", "room", "root", "fresh")
FILE: dict[str, Any] = {
    "name": "bucle",
    "governance": "team",
    "paths": {"main": [*STAGES]},
    "stages": {stage: {"tier": stage} for stage in STAGES},
    "registries": ["shared"],
    "principals": [
        {"name": "root", "kind": "person"},
        {"name": "other", "kind": "person"},
        {"name": "robot", "kind": "service", "owner": "other"},
    ],
    "roles": [{"name": name, **row} for name, row in CUSTOM.items()],
    "groups": [{"name": "room", "members": ["other"]}],
    "bindings": [
        {"principal": "room", "role": "DataEngineer", "scope": "/stages/prod"},
        {"principal": "other", "role": "MLEngineer", "scope": "/stages/prod"},
        {"principal": "robot", "role": "MonitorAgent", "scope": "/stages/prod"},
    ],
}
Probe = tuple[str, Callable[[str], tuple[str, str, Any]]]
PROBES: tuple[Probe, ...] = (
    ("jobs/read", lambda stage: ("GET", f"/stages/{stage}/jobs", None)),
    ("models/read", lambda stage: ("GET", f"/stages/{stage}/models", None)),
    ("promotions/read", lambda stage: ("GET", f"/stages/{stage}/promotions", None)),
    ("schedules/read", lambda stage: ("GET", f"/stages/{stage}/schedules", None)),
    ("jobs/submit", lambda stage: ("POST", f"/stages/{stage}/jobs", JOB)),
    ("endpoints/write", lambda stage: ("POST", f"/stages/{stage}/online-endpoints", {"name": "car"})),
    ("platform/configure", lambda stage: ("POST", f"/stages/{stage}/gate", {"stage": stage, "approvals": 1})),
    (
        "data/write",
        lambda stage: ("POST", f"/stages/{stage}/datastores/workspaceblobstore/files:announce", {"files": []}),
    ),
    ("assignments/read", lambda stage: ("GET", f"/stages/{stage}/can", None)),
)
"""Requests that succeed for whoever holds the action at the stage, wherever he has it from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What somebody begins with: a role at a place, from himself, from a group, or for an hour."""

    role: str
    place: str
    how: str

    def holds(self, action: str, scope: str, *, over: bool) -> bool:
        """Say, from the golden file and the access page, whether the action is his at a scope."""
        if over:
            return False
        if scope.startswith("/registries") and self.place != "/" and action in READING:
            return True  # whoever holds a role in some stage reads registries
        return action in HELD[self.role] and self.place in {"/", scope}


STARTS = [
    Start(role=role, place=f"/stages/{place}" if place != "/" else place, how=how)
    for role, places in {**ROLES, "Watcher": "dev", "Granter": "/", "Inviter": "/", "RoleMaker": "/"}.items()
    for place in places.split()[:1]
    for how in (("himself", "for an hour") if role in SERVICES else ("himself", "a group", "for an hour"))
]

ABOUT_RIGHTS = [start for start in STARTS if start.role in {"AccessAdmin", "Granter", "Inviter", "RoleMaker"}]
ADMINS = [start for start in STARTS if start.role == "AccessAdmin"]
PLACES: dict[str, str] = {**ROLES, "Watcher": "dev prod", "Granter": "/", "Inviter": "/", "RoleMaker": "/"}
FITTING = [
    (role, f"/stages/{place}" if place != "/" else place) for role, places in PLACES.items() for place in places.split()
]
"""Each role where it may be held, so that a grant is refused for who asks and not for where."""


def settle(house: House, start: Start) -> str:
    """Make the platform and give the role; return the credential of `mallory`."""
    house.done("POST", "/platform:apply", house.admin, {**FILE, "bindings": [], "principals": FILE["principals"]})
    if start.role in SERVICES:
        house.person("keeper")
        house.service("mallory", "keeper")
        credential = _token(house)
    else:
        credential = house.person("mallory")
        house.service("bot", "mallory")
    bindings = list(FILE["bindings"])
    held: dict[str, Any] = {"principal": "mallory", "role": start.role, "scope": start.place}
    groups = [*FILE["groups"]]
    if start.how == "a group":
        groups.append({"name": "circle", "members": ["mallory"]})
        held["principal"] = "circle"
    if start.how == "for an hour":
        held["expires"] = (house.clock() + timedelta(hours=1)).isoformat()
    people = [*FILE["principals"], {"name": "mallory", "kind": "person"}]
    if start.role in SERVICES:
        people = [*FILE["principals"], {"name": "keeper", "kind": "person"}]
        people.append({"name": "mallory", "kind": "service", "owner": "keeper"})
    code = house.done("POST", "/principals/root:invite", house.admin, {})["code"]
    root = house.done("POST", "/sign-in:redeem", body={"code": code, "password": PASSWORD})["session"]
    house.grant("root", ("AccessAdmin", "/"))  # ends the bootstrap
    file = {**FILE, "principals": people, "groups": groups, "bindings": [*bindings, held]}
    assert house.done("POST", "/platform:apply", root, file)["left"] == 0
    return credential


def _token(house: House) -> str:
    with house.world.records.write(house.clock()) as transaction:  # the owner holds no role to give on by himself
        known = principals.find(transaction.rows, "mallory")
        assert known is not None
        made = tokens.mint(transaction, house.world.keys, known.id, purpose="api", lifetime=timedelta(days=1))
    return made.text


class Insider(RuleBasedStateMachine):
    """Somebody with one role, and all that he can try."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.over = False

    @initialize(start=st.sampled_from(ADMINS) | st.sampled_from(ABOUT_RIGHTS) | st.sampled_from(STARTS))
    def begin(self, start: Start) -> None:
        """Open a platform and let him in."""
        folder = self.closing.enter_context(tempfile.TemporaryDirectory())
        self.house = self.closing.enter_context(open_house(Path(folder) / "home"))
        self.start = start
        self.credentials = [settle(self.house, start)]

    def teardown(self) -> None:
        """Close the platform."""
        self.closing.close()

    def try_it(self, which: int, method: str, path: str, body: Any = None) -> Any:
        """Send a request with one of his credentials; return what came back, whatever it is."""
        credential = self.credentials[which % len(self.credentials)]
        answer = self.house.ask(method, path, credential, body)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.status_code < 300 else None

    @rule(which=st.integers(0, 9), principal=st.sampled_from(NAMES), held=st.sampled_from(FITTING))
    def grant(self, which: int, principal: str, held: tuple[str, str]) -> None:
        """Grant any role to anybody anywhere."""
        role, scope = held
        self.try_it(which, "POST", "/bindings", {"principal": principal, "role": role, "scope": scope})

    @rule(which=st.integers(0, 9), place=st.integers(0, 9))
    def revoke(self, which: int, place: int) -> None:
        """Take away one of the others' bindings, if he can list them."""
        listed = self.try_it(which, "GET", "/bindings")
        if listed is not None and listed["value"]:
            found = listed["value"][place % len(listed["value"])]
            if found["principal"] not in {"mallory", "circle"}:  # giving up his own is no way to more
                self.try_it(which, "DELETE", f"/bindings/{found['id']}")

    @rule(which=st.integers(0, 9), owner=st.sampled_from(("mallory", "other", "root")))
    def make_principal(self, which: int, owner: str) -> None:
        """Make a service of his own, or of somebody else."""
        self.try_it(which, "POST", "/principals", {"name": "fresh", "kind": "service", "owner": owner})

    @rule(which=st.integers(0, 9), name=st.sampled_from(("root", "other")))
    def invite(self, which: int, name: str) -> None:
        """Ask for a code by which another's password is set: it takes what granting his roles takes."""
        found = self.try_it(which, "POST", f"/principals/{name}:invite", {})
        assert found is None or self.start.holds("assignments/write", "/", over=self.over)

    @rule(
        which=st.integers(0, 9),
        owner=st.sampled_from(("mallory", "bot", "fresh", "robot", "other")),
        action=st.sampled_from(sorted(ACTIONS)) | st.none(),
        scope=st.sampled_from(SCOPES),
    )
    def mint(self, which: int, owner: str, action: str | None, scope: str) -> None:
        """Make a token of his own, of his service, or of another's; one that he gets he uses from now on."""
        windows = [{"scope": scope, "actions": None if action is None else [action]}]
        made = self.try_it(which, "POST", "/tokens", {"owner": owner, "windows": windows})
        if made is not None:
            self.credentials.append(made["token"])

    @rule(
        which=st.integers(0, 9),
        group=st.sampled_from(("room", "circle")),
        members=st.lists(st.sampled_from(("mallory", "bot", "other")), min_size=1, max_size=2, unique=True),
    )
    def join(self, which: int, group: str, members: list[str]) -> None:
        """Apply a file that fills a group which holds something."""
        self.apply(which, groups=[{"name": group, "members": members}], bindings=[])

    @rule(
        which=st.integers(0, 9),
        group=st.sampled_from(("room", "circle", "club")),
        members=st.lists(st.sampled_from(("mallory", "bot", "other")), max_size=2, unique=True),
        held=st.sampled_from(FITTING),
    )
    def apply_groups(self, which: int, group: str, members: list[str], held: tuple[str, str]) -> None:
        """Apply a file that fills a group and binds it."""
        role, place = held
        binding = {"principal": group, "role": role, "scope": place}
        self.apply(which, groups=[{"name": group, "members": members}], bindings=[binding])

    @rule(
        which=st.integers(0, 9),
        name=st.sampled_from(("Watcher", "Granter", "Own")),
        actions=st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=3, unique=True),
    )
    def apply_roles(self, which: int, name: str, actions: list[str]) -> None:
        """Apply a file that defines or widens a role, and gives it to him and to his service."""
        role = {"name": name, "actions": actions, "places": ["platform", "dev", "prod"], "ceiling": "restricted"}
        bindings = [{"principal": who, "role": name, "scope": "/stages/dev"} for who in ("mallory", "other")]
        self.apply(which, roles=[role], bindings=bindings)

    @rule(which=st.integers(0, 9), owner=st.sampled_from(("mallory", "root")))
    def take_a_service(self, which: int, owner: str) -> None:
        """Apply a file by which a service that holds a role becomes his."""
        people = [one for one in FILE["principals"] if one["name"] != "robot"]
        robot = {"name": "robot", "kind": "service", "owner": owner}
        self.apply(which, principals=[*people, {"name": "mallory", "kind": "person"}, robot])

    def apply(self, which: int, **parts: Any) -> None:
        """Apply the platform's file with other parts."""
        people = [*FILE["principals"], {"name": "mallory", "kind": "person"}]
        people.append({"name": "bot", "kind": "service", "owner": "mallory"})
        self.try_it(
            which, "POST", "/platform:apply", {**FILE, "principals": people, "roles": [], "groups": [], **parts}
        )

    @precondition(lambda self: self.start.how == "for an hour")
    @rule()
    def wait(self) -> None:
        """Let the hour pass."""
        self.house.clock.forward(hours=1)
        self.over = True

    @rule(which=st.integers(0, 9), probe=st.sampled_from(PROBES), stage=st.sampled_from(STAGES))
    def act(self, which: int, probe: Probe, stage: str) -> None:
        """Do something: it succeeds only where the action is his."""
        action, request = probe
        if self.try_it(which, *request(stage)) is not None:
            assert self.start.holds(action, f"/stages/{stage}", over=self.over), (self.start, action, stage)

    @invariant()
    def he_holds_what_his_role_holds(self) -> None:
        """Neither he nor a service of his holds an action beyond his role, anywhere."""
        with self.house.world.read() as rows:
            snapshot = self.house.world.policy.snapshot(rows)
        me = next(one for one in snapshot.principals if one.name == "mallory")
        mine = [one for one in snapshot.principals if one.person_id == me.person_id and one.name != "keeper"]
        held = {
            (action, scope)
            for one in mine
            for action in ACTIONS
            for scope in SCOPES
            if isinstance(self._decide(snapshot, one.id, action, scope), Allow)
        }
        assert not [pair for pair in held if not self.start.holds(*pair, over=self.over)]

    def _decide(self, snapshot: Any, principal_id: str, action: Any, scope: str) -> Any:
        caller, now = Caller(principal_id=principal_id), self.house.clock()
        return decide(snapshot, caller, action, parse_scope(scope), now=now, data_class="public")


TestInsider = Insider.TestCase
EXAMPLES = 150 if os.environ.get("BUCLE_TEST_ALL") == "1" else 15
TestInsider.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe[0])
def test_each_probe_succeeds_for_a_holder(tmp_path: Path, probe: Probe) -> None:
    """What the insider tries can be done by whoever holds the action in dev: a refusal there means something."""
    action, request = probe
    role = next(role for role in ROLES if action in HELD[role] and role not in SERVICES)
    place = "/" if "/" in ROLES[role].split() else "/stages/dev"
    with open_house(tmp_path / "home") as house:
        credential = settle(house, Start(role=role, place=place, how="himself"))
        method, path, body = request("dev")
        assert house.ask(method, path, credential, body).status_code < 300
