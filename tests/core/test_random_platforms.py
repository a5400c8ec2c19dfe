"""The engine on random platforms: against Cedar, which decides apart from it, and lists against decisions.

The translation to Cedar is written from the access page: the order of the classes, the ceilings of the tiers,
the rule for registries and that for the bootstrap administrator stand here by hand; the roles are the golden
file.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import cedarpy
import pytest

from bucle.core.access import Allow, decide
from bucle.core.actions import ACTIONS, CLASSED, READING, Action
from bucle.core.classes import ORDER, DataClass, Place, Tier
from bucle.core.roles import BUILT_IN, PrincipalKind, Role
from bucle.core.scopes import Scope, parse_scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot, Window
from bucle.core.view import visible

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
STAGES: dict[str, Tier] = {"dev": "dev", "dev2": "dev", "test": "preprod", "prod": "prod", "fraud": "prod"}
REGISTRIES = ("shared", "vendor")
SCOPES: tuple[Scope, ...] = tuple(
    map(
        parse_scope,
        (
            "/",
            *(f"/stages/{stage}" for stage in STAGES),
            *(f"/stages/{stage}/{kind}/{name}" for stage in STAGES for kind in ("models", "datasets") for name in "ab"),
            *(f"/registries/{registry}" for registry in REGISTRIES),
            *(f"/registries/{registry}/models/a" for registry in REGISTRIES),
            "/stages/unknown",
            "/registries/unknown",
        ),
    )
)
_ORDERED: list[Action] = sorted(ACTIONS)
PLACES: tuple[Place, ...] = ("platform", "shared", "dev", "preprod", "prod")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a random caller."""

    caller: Caller
    action: Action
    scope: Scope
    data_class: DataClass | None


def world(random: Random) -> Snapshot:
    """Return a platform with groups, custom roles, expiries, and bindings that break rules."""
    kinds: tuple[PrincipalKind, ...] = ("group", "group", "person", "person", "person", "service", "service")
    own = custom_roles(random)
    roles = (*BUILT_IN, *(role.name for role in own for _ in range(3)), "Unknown")
    principals = tuple(
        Principal(
            id=f"{kind}{number}",
            name=f"{kind}{number}",
            person_id=f"p{number % 4}",
            kind=kind,
            groups=frozenset(group for group in ("group0", "group1") if kind != "group" and random.random() < 0.3),
            active=random.random() < 0.9,
        )
        for number, kind in enumerate(kinds)
    )
    bindings = tuple(
        Binding(
            id=f"b{number}",
            principal_id=random.choice(principals).id,
            role=role,
            scope=random.choice(fitting if fitting and random.random() < 0.8 else SCOPES),
            expires_at=random.choice((None, None, None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1))),
        )
        for number in range(random.randrange(8, 40))
        for role in (random.choice(roles),)
        for fitting in (_fitting(role, own),)
    )
    return Snapshot(
        principals=principals,
        bindings=bindings,
        stages=STAGES,
        registries=frozenset(REGISTRIES),
        custom_roles=own,
        bootstrap_id=random.choice((None, None, "person2")),
    )


def _fitting(role: str, own: tuple[Role, ...]) -> list[Scope]:
    """Return where the role may be held, most of all whole stages, so that random requests meet it."""
    known = {one.name: one for one in (*BUILT_IN.values(), *own)}.get(role)
    fits = [scope for scope in SCOPES if known is not None and place(str(scope)) in known.places]
    return fits + 4 * [scope for scope in fits if len(scope.parts) == 2]


def custom_roles(random: Random) -> tuple[Role, ...]:
    """Return roles that the product does not ship: one that may be held anywhere, one for dev, two at random."""
    kinds: tuple[PrincipalKind, ...] = ("person", "service", "group")
    return (
        Role(
            name="RowReader",
            purpose="reads rows and bytes",
            actions=frozenset({"data/read", "models/content/read", "models/read"}),
            places=frozenset(PLACES),
            ceiling="restricted",
        ),
        Role(
            name="Labeller",
            purpose="writes into dev",
            actions=frozenset({"data/write", "assignments/write"}),
            places=frozenset({"dev"}),
            ceiling="internal",
        ),
        *(
            Role(
                name=name,
                purpose="anything",
                actions=frozenset(random.sample(_ORDERED, random.randrange(1, 30))),
                places=frozenset(random.sample(sorted(PLACES), random.randrange(1, 6))),
                ceiling=random.choice(ORDER),
                holders=frozenset(random.sample(kinds, random.randrange(1, 4))),
            )
            for name in ("Random1", "Random2")
        ),
    )


def asked(random: Random, snapshot: Snapshot) -> Asked:
    """Return a request; half of them about rows, bytes and what is read in registries."""
    windows = tuple(
        Window(scope=random.choice(SCOPES), actions=random.choice((None, frozenset(random.sample(_ORDERED, 40)))))
        for _ in range(random.randrange(1, 4))
    )
    ids = [principal.id for principal in snapshot.principals if principal.kind != "group"]
    job = random.random() < 0.1
    return Asked(
        caller=Caller(
            principal_id=random.choice((*ids, "stranger")),
            session="job" if job else "login",
            windows=windows if job or random.random() < 0.3 else None,
            identity_id=random.choice(ids) if random.random() < 0.2 else None,
        ),
        action=random.choice(random.choice((sorted(CLASSED), sorted(READING), _ORDERED, _ORDERED))),
        scope=random.choice(SCOPES),
        data_class=random.choice((None, *ORDER)),
    )


PLATFORMS, REQUESTS = 40, 500
RANKS = {"public": 0, "internal": 1, "non-production": 2, "production": 3, "restricted": 4}
LIMITS = {"platform": -1, "dev": 2, "preprod": 3, "prod": 4, "shared": 4}
ROWS = ["data/read", "data/write", "data/delete", "models/content/read"]
NOT_READ = ["data/read", "models/content/read", "endpoints/keys/read", "audit/read", "roles/read"]
NOT_READ += ["assignments/read", "principals/read"]
READ: list[str] = [action for action in sorted(ACTIONS) if action.endswith("/read") and action not in NOT_READ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A role as the oracle sees it."""

    actions: list[str]
    places: list[str]
    ceiling: str
    holders: list[str]


def parts(own: tuple[Role, ...]) -> dict[str, Part]:
    """Return the golden roles and the platform's own."""
    golden = json.loads((Path(__file__).parent.parent / "golden" / "roles.json").read_text())
    shipped = {
        name: Part(actions=row["actions"], places=row["places"], ceiling=row["ceiling"], holders=row["holders"])
        for name, row in golden.items()
    }
    custom = {
        role.name: Part(
            actions=[*sorted(role.actions)],
            places=[*sorted(role.places)],
            ceiling=role.ceiling,
            holders=[*sorted(role.holders)],
        )
        for role in own
    }
    return shipped | custom


def place(scope: str) -> str | None:
    """Return the tier of a scope."""
    if scope == "/":
        return "platform"
    _, root, name, *_ = scope.split("/")
    return STAGES.get(name) if root == "stages" else "shared" if name in REGISTRIES else None


def permit(holder: str, actions: list[str], scope: str, condition: str) -> str:
    """Return one Cedar policy."""
    named = ", ".join(f'Action::"{action}"' for action in actions)
    return (
        f'permit(principal in P::"{holder}", action in [{named}], resource in Scope::"{scope}") when {{ {condition} }};'
    )


def policies(snapshot: Snapshot) -> str:
    """Return the platform's bindings as Cedar policies."""
    roles = parts(snapshot.custom_roles)
    permits: list[str] = []
    for binding in snapshot.bindings:
        scope, role = str(binding.scope), roles.get(binding.role)
        if role is not None and place(scope) in role.places:
            permits += grant(binding.principal_id, role, scope, binding.expires_at)
    if snapshot.bootstrap_id is not None and not another_admin(snapshot, snapshot.bootstrap_id):
        for name in ("InfraEngineer", "AccessAdmin", "DataEngineer"):
            permits += grant(snapshot.bootstrap_id, replace(roles[name], holders=["person"]), "/", None)
    return "\n".join(permits)


def grant(holder: str, role: Part, scope: str, expires_at: datetime | None) -> Iterator[str]:
    """Yield the policies of one binding: what has no class, rows and bytes, what it gives in registries."""
    until = f"context.now < {int((expires_at or datetime.max.replace(tzinfo=NOW.tzinfo)).timestamp())}"
    until += f" && [{', '.join(json.dumps(kind) for kind in role.holders)}].contains(principal.kind)"
    ceiling = RANKS[role.ceiling]
    rows = [action for action in role.actions if action in ROWS]
    others = [action for action in role.actions if action not in ROWS]
    if others:
        yield permit(holder, others, scope, until)
    if rows:
        admitted = f"context has rank && context.rank <= {ceiling} && context.rank <= resource.limit"
        yield permit(holder, rows, scope, f"{until} && {admitted}")
    if scope.startswith("/stages/"):
        own = min(ceiling, LIMITS[place(scope) or "dev"])
        for registry in REGISTRIES:
            yield permit(
                holder,
                READ,
                f"/registries/{registry}",
                f"{until} && (!(context has rank) || context.rank <= {own})",
            )


def another_admin(snapshot: Snapshot, bootstrap_id: str) -> bool:
    """Say whether somebody else, active, holds AccessAdmin for good, himself or through an active group."""
    people = {principal.id: principal for principal in snapshot.principals}
    admins = {
        binding.principal_id
        for binding in snapshot.bindings
        if binding.role == "AccessAdmin" and str(binding.scope) == "/" and binding.expires_at is None
    }
    admins |= {
        principal.id
        for principal in snapshot.principals
        if any(group in admins and people[group].active for group in principal.groups)
    }
    return any(people[name].active and people[name].kind != "group" and name != bootstrap_id for name in admins)


def entities(snapshot: Snapshot) -> str:
    """Return who is in which group and what lies below what; the unknown lies nowhere."""
    live = {principal.id for principal in snapshot.principals if principal.active}
    members = [
        {
            "uid": {"type": "P", "id": principal.id if principal.active else f"gone-{principal.id}"},
            "attrs": {"kind": principal.kind},
            "parents": [{"type": "P", "id": group} for group in sorted(principal.groups & live) if principal.active],
        }
        for principal in snapshot.principals
    ]
    nodes = [
        {
            "uid": {"type": "Scope", "id": str(scope)},
            "attrs": {"limit": LIMITS[place(str(scope)) or "platform"]},
            "parents": [{"type": "Scope", "id": above} for above in parents(str(scope))],
        }
        for scope in SCOPES
    ]
    return json.dumps(members + nodes)


def parents(scope: str) -> list[str]:
    """Return the scope above, if this one is a place at all."""
    if scope == "/" or place(scope) is None:
        return []
    pieces = scope.split("/")
    return ["/".join(pieces[:3]) if len(pieces) > 3 else "/"]


def request(snapshot: Snapshot, who: str, asking: Asked) -> dict[str, object]:
    """Return a Cedar request; one who is deactivated asks under a name that nobody has."""
    gone = any(principal.id == who and not principal.active for principal in snapshot.principals)
    rank: Mapping[str, int] = {} if asking.data_class is None else {"rank": RANKS[asking.data_class]}
    return {
        "principal": f'P::"gone-{who}"' if gone else f'P::"{who}"',
        "action": f'Action::"{asking.action}"',
        "resource": f'Scope::"{asking.scope}"',
        "context": {"now": int(NOW.timestamp()), **rank},
    }


def keeps_its_run(snapshot: Snapshot, asking: Asked) -> bool:
    """Say whether a running job keeps this, whatever its submitter has lost: no rows, and nothing of the platform."""
    active = {principal.id for principal in snapshot.principals if principal.active}
    is_job = asking.caller.session == "job" and asking.caller.principal_id in active
    return is_job and asking.action not in ROWS and place(str(asking.scope)) not in {None, "platform"}


def passes(windows: tuple[Window, ...] | None, asking: Asked) -> bool:
    """Say whether a token lets the request through, on the texts of its scopes."""
    wanted = str(asking.scope)
    return windows is None or any(
        (window.actions is None or asking.action in window.actions)
        and (str(window.scope) in ("/", wanted) or wanted.startswith(f"{window.scope}/"))
        for window in windows
    )


@pytest.mark.parametrize("seed", range(PLATFORMS))
def test_cedar_answers_alike(seed: int) -> None:
    """Five hundred requests on a random platform: allowed here where Cedar allows principal and job identity."""
    random = Random(seed)
    snapshot = world(random)
    requests = [asked(random, snapshot) for _ in range(REQUESTS)]
    whos = [one.caller.principal_id for one in requests]
    seconds = [one.caller.identity_id or one.caller.principal_id for one in requests]
    answers = cedarpy.is_authorized_batch(
        [request(snapshot, who, one) for who, one in zip(whos + seconds, requests * 2, strict=True)],
        policies(snapshot),
        entities(snapshot),
    )
    assert not [answer.diagnostics.errors for answer in answers if answer.diagnostics.errors]
    for one, first, second in zip(requests, answers[:REQUESTS], answers[REQUESTS:], strict=True):
        own = first.allowed or keeps_its_run(snapshot, one)
        expected = own and (second.allowed if one.caller.identity_id else own) and passes(one.caller.windows, one)
        assert allowed(snapshot, one) == expected, one


def test_the_random_requests_are_worth_asking(record_property: Callable[[str, object], None]) -> None:
    """Of twenty thousand requests over a thousand are allowed: by every role, on rows, in registries, by groups."""
    asked_all = [
        (snapshot, one)
        for seed in range(PLATFORMS)
        for random in [Random(seed)]
        for snapshot in [world(random)]
        for one in [asked(random, snapshot) for _ in range(REQUESTS)]
    ]
    granted = [(snapshot, one) for snapshot, one in asked_all if allowed(snapshot, one)]
    record_property("requests", len(asked_all))
    print(f"{len(asked_all)} requests compared with Cedar, {len(granted)} of them allowed")  # noqa: T201  asked for
    assert len(asked_all) >= 20_000
    assert len(granted) > 1_000
    by = [
        decide(snapshot, one.caller, one.action, one.scope, now=NOW, data_class=one.data_class)
        for snapshot, one in granted
    ]
    bindings = [decision.binding for decision in by if isinstance(decision, Allow)]
    assert {binding.role for binding in bindings} >= {*BUILT_IN, "RowReader", "Labeller", "Random1", "Random2"}
    assert any(binding.principal_id.startswith("group") for binding in bindings)
    assert len({one.action for _, one in granted}) > 70
    assert any(one.action in ROWS for _, one in granted)
    assert any(one.scope.registry for _, one in granted)
    assert any(one.caller.windows for _, one in granted)
    assert any(one.caller.identity_id for _, one in granted)


@pytest.mark.parametrize("seed", range(30, 60))
def test_a_list_shows_what_a_decision_allows(seed: int) -> None:
    """`visible` is a filter that says yes exactly where `decide` does, at every scope and class."""
    random = Random(seed)
    snapshot = world(random)
    for _ in range(12):
        one = asked(random, snapshot)
        view = visible(snapshot, one.caller, one.action, now=NOW)
        for scope in SCOPES:
            for data_class in (None, *ORDER):
                row = Asked(caller=one.caller, action=one.action, scope=scope, data_class=data_class)
                assert view.shows(scope, data_class) == allowed(snapshot, row), row


def allowed(snapshot: Snapshot, one: Asked) -> bool:
    """Return the engine's answer."""
    decision = decide(snapshot, one.caller, one.action, one.scope, now=NOW, data_class=one.data_class)
    return isinstance(decision, Allow)
