"""The verbs of access: who may use each, the rules of granting over HTTP, and rights that end."""

import pytest
from httpx2 import Response

from tests.access.conftest import House

ANA = {"principal": "ana", "role": "Reader", "scope": "/stages/dev"}
DEV = ("DataScientist", "/stages/dev")

# Method, path, body, and who is refused; {binding} and {token} are put in. AccessAdmin is let in everywhere.
VERBS = [
    ("POST", "/principals", {"name": "new", "kind": "person"}),
    ("GET", "/principals", None),
    ("GET", "/principals/ana", None),
    ("POST", "/principals/ana:invite", {"kind": None}),
    ("POST", "/bindings", {"principal": "ana", "role": "Reader", "scope": "/stages/dev"}),
    ("GET", "/bindings", None),
    ("DELETE", "/bindings/{binding}", None),
    ("GET", "/tokens?owner=ana", None),
    ("POST", "/tokens/{token}:revoke", None),
    ("GET", "/can?principal=ana&action=jobs/read&scope=/stages/dev", None),
    ("GET", "/can:why-denied?principal=ana&action=jobs/read&scope=/stages/dev", None),
    ("GET", "/stages/dev/can", None),
    ("POST", "/principals/ana:disable", None),
]
STRANGERS = [DEV, ("MLEngineer", "/stages/prod"), ("InfraEngineer", "/"), ("Approver", "/stages/prod")]


def _code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _parts(house: House, session: str) -> dict[str, str]:
    held = house.done("GET", "/bindings?principal=ana", house.admin)["value"]
    return {"binding": held[0]["id"], "token": house.done("POST", "/tokens", session, {})["id"]}


@pytest.mark.parametrize(("method", "path", "body"), VERBS)
def test_wrong_role_is_refused(house: House, method: str, path: str, body: object) -> None:
    """Each verb is refused to roles without its permission, and the same request succeeds for an AccessAdmin."""
    ana = house.person("ana", DEV)
    path = path.format(**_parts(house, ana))
    sessions = [house.person(f"p{number}", held) for number, held in enumerate(STRANGERS)]
    for session in sessions:
        answer = house.ask(method, path, session, body)
        assert answer.status_code in {403, 404}, answer.text
        assert answer.json()["code"].startswith(("access.", "binding.not_found")), answer.text
    assert house.ask(method, path, house.admin, body).status_code < 300


def test_auditor_reads_and_changes_nothing(house: House) -> None:
    """An Auditor sees who holds what; every writing verb is refused to him."""
    house.person("ana", DEV)
    auditor = house.person("eve", ("Auditor", "/"))
    assert house.ask("GET", "/bindings", auditor).status_code == 200
    assert house.ask("GET", "/principals", auditor).status_code == 200
    for path, body in (("/bindings", ANA), ("/principals", {"name": "x", "kind": "person"})):
        assert house.ask("POST", path, auditor, body).status_code == 403


def test_granted_right_is_had_at_once_and_lost_at_once(house: House) -> None:
    """A binding counts from the next request on, and no longer from the request after its removal."""
    session = house.person("ana")
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 403
    made = house.done("POST", "/bindings", house.admin, ANA)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 200
    house.done("DELETE", f"/bindings/{made['id']}", house.admin)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 403


def test_binding_expires(house: House) -> None:
    """A binding for an hour shows the stage for less than an hour, and can be made anew afterwards."""
    session = house.person("ana")
    house.done("POST", "/bindings", house.admin, {**ANA, "expires_in_s": 3600})
    assert _code(house.ask("POST", "/bindings", house.admin, ANA)) == (409, "binding.exists")
    house.clock.forward(seconds=3599)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 200
    house.clock.forward(seconds=1)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 404
    house.done("POST", "/bindings", house.admin, ANA)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 200


def test_nobody_grants_to_himself(house: House) -> None:
    """An AccessAdmin grants to others, never to himself nor to his own service."""
    session = house.person("ada", ("AccessAdmin", "/"))
    house.done("POST", "/principals", session, {"name": "bot", "kind": "service", "owner": "ada"})
    house.done("POST", "/principals", session, {"name": "ana", "kind": "person"})
    assert house.ask("POST", "/bindings", session, ANA).status_code == 201
    for name in ("ada", "bot"):
        answer = house.ask("POST", "/bindings", session, {**ANA, "principal": name})
        assert _code(answer) == (403, "access.own_grant")


def test_data_scientist_is_not_assigned_in_prod(house: House) -> None:
    """The refusal has the words of the design: role, scope, tier."""
    house.person("ana")
    body = {**ANA, "role": "DataScientist"}
    assert house.ask("POST", "/bindings", house.admin, body).status_code == 201
    answer = house.ask("POST", "/bindings", house.admin, {**body, "scope": "/stages/prod"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "role DataScientist may not be assigned at /stages/prod (tier prod)"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("principal", "nobody", (403, "access.unknown_principal")),
        ("role", "Wizard", (403, "access.unknown_role")),
        ("scope", "stages/dev", (400, "access.bad_scope")),
        ("scope", "/stages/nowhere", (404, "access.not_found")),
        ("role", "CIBuilder", (403, "access.holder")),
    ],
)
def test_grant_names_what_is_wrong(house: House, field: str, value: str, told: tuple[int, str]) -> None:
    """A grant that cannot be says which part of it cannot."""
    house.person("ana")
    assert _code(house.ask("POST", "/bindings", house.admin, {**ANA, field: value})) == told
    assert house.ask("POST", "/bindings", house.admin, ANA).status_code == 201


def test_outside_ones_scope_the_answer_is_not_found(house: House) -> None:
    """A stage in which one holds nothing is answered exactly as one that is not there."""
    session = house.person("ana", DEV)
    assert house.ask("GET", "/stages/dev", session).status_code == 200
    hidden, absent = (house.ask("GET", f"/stages/{name}", session) for name in ("prod", "nowhere"))
    assert _code(hidden) == _code(absent) == (404, "access.not_found")
    assert hidden.json()["detail"].replace("prod", "*") == absent.json()["detail"].replace("nowhere", "*")


def test_disabled_principal_is_out_at_the_next_request(house: House) -> None:
    """Disabling ends the session, the token and the way back in."""
    session = house.person("ana", DEV)
    token = house.done("POST", "/tokens", session, {})["token"]
    for credential in (session, token):
        assert house.ask("GET", "/whoami", credential).status_code == 200
    house.done("POST", "/principals/ana:disable", house.admin)
    for credential in (session, token):
        assert house.ask("GET", "/whoami", credential).status_code == 401
    assert house.login("ana").status_code == 401
    assert _code(house.ask("POST", "/principals/ana:invite", house.admin)) == (409, "principal.disabled")


def test_open_invitation_of_a_disabled_principal_is_void(house: House) -> None:
    """A code handed out before opens nothing afterwards."""
    codes = [
        house.done("POST", f"/principals/{name}:invite", house.admin, {"kind": "person"})["code"]
        for name in ("ana", "ben")
    ]
    house.done("POST", "/principals/ana:disable", house.admin)
    bodies = [{"code": code, "password": "correct horse battery"} for code in codes]
    assert [house.ask("POST", "/sign-in:redeem", body=body).status_code for body in bodies] == [401, 200]


def test_somebody_is_always_left_to_grant(house: House) -> None:
    """Neither the bootstrap administrator alone nor the last AccessAdmin can be shut out or stripped."""
    assert _code(house.ask("POST", "/principals/admin:disable", house.admin)) == (403, "access.last_admin")
    ada = house.person("ada", ("AccessAdmin", "/"))
    assert _code(house.ask("POST", "/principals/ada:disable", ada)) == (403, "access.last_admin")
    held = house.done("GET", "/bindings?principal=ada", ada)["value"]
    assert _code(house.ask("DELETE", f"/bindings/{held[0]['id']}", ada)) == (403, "access.last_admin")
    assert house.ask("POST", "/principals/admin:disable", ada).status_code == 200


def test_bootstrap_ends_with_the_first_access_admin(house: House) -> None:
    """The administrator of the first run grants until somebody else can, and not afterwards."""
    house.person("ana")
    house.done("POST", "/bindings", house.admin, ANA)
    house.person("ada", ("AccessAdmin", "/"))
    assert house.ask("POST", "/bindings", house.admin, {**ANA, "scope": "/stages/prod"}).status_code == 403


def test_service_needs_a_person_who_owns_it(house: House) -> None:
    """A service without an owner, or owned by a service, is refused."""
    house.person("ana")
    house.service("bot", "ana")
    for owner in (None, "bot"):
        body = {"name": "other", "kind": "service", "owner": owner}
        assert _code(house.ask("POST", "/principals", house.admin, body)) == (400, "principal.owner_missing")


def test_emergency_operator_revokes_where_he_operates(house: House) -> None:
    """He revokes the token of whoever acts in his stage, and of nobody else."""
    operator = house.person("olga", ("EmergencyOperator", "/stages/prod"))
    sessions = {"eng": house.person("eng", ("MLEngineer", "/stages/prod")), "ana": house.person("ana", DEV)}
    ids = {name: house.done("POST", "/tokens", session, {})["id"] for name, session in sessions.items()}
    assert house.ask("POST", f"/tokens/{ids['eng']}:revoke", operator).status_code == 200
    assert house.ask("POST", f"/tokens/{ids['ana']}:revoke", operator).status_code == 403


def test_each_change_is_an_event(house: House) -> None:
    """Every writing verb leaves one line, with who did it to whom."""
    session = house.person("ana", DEV)
    made = house.done("POST", "/tokens", session, {})
    house.done("POST", f"/tokens/{made['id']}:revoke", session)
    held = house.done("GET", "/bindings?principal=ana", house.admin)["value"]
    house.done("DELETE", f"/bindings/{held[0]['id']}", house.admin)
    house.done("POST", "/principals/ana:disable", house.admin)
    assert [(line["who"], line["what"]) for line in house.lines()][1:] == [
        ("admin", "principals/create"),
        ("admin", "principals/invite"),
        ("admin", "assignments/create"),
        ("ana", "sign-in/redeem"),
        ("ana", "tokens/create"),
        ("ana", "tokens/revoke"),
        ("admin", "assignments/delete"),
        ("admin", "principals/disable"),
    ]


def test_bindings_that_nobody_needed(house: House) -> None:
    """After 90 days those that could change things and did not are listed: no reader, nobody who worked, nobody new."""
    for name, held in (("busy", DEV), ("idle", DEV), ("reader", ("Reader", "/stages/dev"))):
        house.person(name, held)
    house.person("keeper", ("AccessAdmin", "/"))
    house.clock.forward(days=91)
    worker, auditor = (house.login(name).json()["session"] for name in ("busy", "keeper"))
    house.done("POST", "/stages/dev/jobs", worker, {"command": "true", "environment": {"image": "python"}})
    house.done("POST", "/principals/late:invite", auditor, {"kind": "person"})
    house.done("POST", "/bindings", auditor, {"principal": "late", "role": DEV[0], "scope": DEV[1]})

    found = house.done("GET", "/bindings:idle", auditor)["value"]

    listed = {(one["principal"], one["role"]) for one in found if one["principal"] != "admin"}
    assert listed == {("idle", "DataScientist")}
