"""Wrong role at every verb: each route of the real application is asked by each role at each place, and by nobody."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response

from bucle.server.app import FRAMEWORK_ROUTES, build_application, effective_routes
from bucle.server.guard import Guard
from tests.access.conftest import House
from tests.access.route_walk import Row, Walk, open_walk, table

ROWS = table()
RULED = [row for row in ROWS if row.permission not in {"open", "signed-in"}]
UNKNOWN = {"promotion.not_found", "release.not_found", "trace.not_found", "binding.not_found"}
BEYOND = frozenset({"schedule.needs_service", "endpoint.round_the_gate", "server.unreachable"})
"""What only one who holds the permission is told: rules beyond it, and that no gateway runs here."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Give everybody, once: a walk resets nothing."""
    with open_walk(tmp_path_factory.mktemp("walk") / "home") as made:
        yield made


def _application(house: House) -> FastAPI:
    guard = build_application(house.world)
    assert isinstance(guard, Guard)
    assert isinstance(guard.application, FastAPI)
    return guard.application


def test_every_route_is_in_the_table(walk: Walk) -> None:
    """A route that nobody reviewed, or whose permission changed, fails here: mounts and sub-applications too."""
    application = _application(walk.house)
    found = {
        (method, str(getattr(route, "path", ""))): (getattr(route, "openapi_extra", None) or {}).get("x-permission")
        for route in effective_routes(application.routes)
        for method in getattr(route, "methods", None) or ()
    }
    served = {key: "open" if key[1] in FRAMEWORK_ROUTES else right for key, right in found.items()}
    assert served == {(row.method, row.path): row.permission for row in ROWS}
    documented = {(verb.upper(), path) for path, verbs in application.openapi()["paths"].items() for verb in verbs}
    assert documented <= {(row.method, row.path) for row in ROWS}


@pytest.mark.parametrize("row", RULED, ids=lambda row: row.name)
def test_each_role_at_each_place(walk: Walk, row: Row) -> None:
    """Who holds the role there is not refused; every other role, place and stranger is, as the access page says."""
    for stage in row.stages or (None,):
        _assert_nobody(row, walk.ask(row, stage, None))
        ranked = sorted(walk.walkers, key=lambda one: -one.expected(row, stage))  # those who may act come last
        for one in ranked:
            if row.path.startswith("/studio") and one.credential.startswith("bcl_") and not row.path.endswith(".json"):
                continue  # a token opens no page
            _assert_told(row, one.expected(row, stage), walk.ask(row, stage, one.credential), (one.role, one.place))
    assert any(one.expected(row, stage) == 200 for stage in row.stages or (None,) for one in walk.walkers)


@pytest.mark.parametrize("row", [row for row in ROWS if row.permission == "signed-in"], ids=lambda row: row.name)
def test_what_is_ones_own_asks_who_one_is(walk: Walk, row: Row) -> None:
    """What concerns the caller alone is shut to nobody in particular, and open to whoever signed in."""
    _assert_nobody(row, walk.ask(row, None, None))
    answer = walk.ask(row, None, walk.house.login("nobody").json()["session"])
    assert answer.status_code not in {401, 500}, answer.text


@pytest.mark.parametrize("row", [row for row in ROWS if row.permission == "open"], ids=lambda row: row.name)
def test_what_is_open_asks_nobody(walk: Walk, row: Row) -> None:
    """The few open routes answer without a credential; none of them says `sign in`."""
    assert walk.ask(row, None, None).status_code in {200, 303, 307, 400, 404}


@pytest.mark.parametrize("row", RULED, ids=lambda row: row.name)
def test_garbage_tells_a_stranger_nothing(walk: Walk, row: Row) -> None:
    """A stage that is there and one that is not answer an outsider's garbage alike, word for word."""
    if "{stage}" not in row.path and "{workspace}" not in row.path:
        return
    outsider = next(one for one in walk.walkers if (one.role, one.place) == ("MLEngineer", "preprod"))
    garbage: tuple[Any, ...] = ({"garbage": True}, [], "text")
    for body in garbage:
        told = [walk.ask(row, stage, outsider.credential, body) for stage in ("prod", "nowhere")]
        words = [_words(answer).replace(stage, "*") for answer, stage in zip(told, ("prod", "nowhere"), strict=True)]
        assert (told[0].status_code, words[0]) == (told[1].status_code, words[1])
        assert told[0].status_code in {400, 404, 422}


@pytest.mark.parametrize("row", [row for row in RULED if row.is_by_name], ids=lambda row: row.name)
@pytest.mark.parametrize("role", ["none", "MLEngineer"])
def test_what_is_there_and_what_is_not_answer_alike(walk: Walk, row: Row, role: str) -> None:
    """A guest, and one of another stage, cannot tell a promotion, release, request, binding from an unknown one."""
    outsider = next(
        one for one in walk.walkers if (one.role, one.place) in {("none", "-"), (role, "preprod")} and one.role == role
    )
    known, unknown = (
        walk.ask(row, row.stages[0], outsider.credential),
        walk.ask(row, row.stages[0], outsider.credential, unknown=True),
    )
    assert known.status_code == unknown.status_code == 404, known.text
    if row.path.startswith("/api"):
        assert known.json()["code"] == unknown.json()["code"]
    told = [re.sub(r"[0-9a-f-]{32,36}|" + "|".join(walk.names), "*", answer.text) for answer in (known, unknown)]
    assert told[0] == told[1]


def _assert_nobody(row: Row, answer: Response) -> None:
    if row.path.startswith("/studio") and not row.path.endswith(".json"):
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/studio/sign-in")
        return
    code = "UNAUTHENTICATED" if row.at == "workspace" else "sign_in.nobody"
    assert (answer.status_code, _code(answer)) == (401, code), answer.text


def _assert_told(row: Row, expected: int, answer: Response, who: tuple[str, str]) -> None:
    status, code = answer.status_code, _code(answer)
    told = f"{who} at {row.name}: {status} {answer.text[:300]}"
    if expected == 200:
        assert (status < 500 and status not in {401, 403}) or code in BEYOND, told
        assert "outside your scope" not in answer.text, told
    elif row.path.startswith("/studio") and not row.path.endswith(".json"):
        assert status == expected, told
    elif row.at == "workspace":
        assert (status, code) == (expected, {403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST"}[expected]), told
    else:
        refusal = "access.denied.no_grants" if who[0] == "none" else "access.denied.not_in_role"
        if row.at == "platform" and who[0] in row.roles:  # held in a stage, where it does not reach
            refusal = "access.denied.elsewhere"
        unseen = UNKNOWN if row.is_by_name else {"access.not_found"}
        assert status == expected, told
        assert code in (unseen if expected == 404 else {refusal}), told
        assert answer.headers["content-type"] == "application/problem+json", told


def _code(answer: Response) -> str:
    if "json" not in answer.headers.get("content-type", ""):
        return ""
    document: Any = answer.json()
    return str(document.get("code") or document.get("error_code") or "") if isinstance(document, dict) else ""


def _words(answer: Response) -> str:
    document: Any = answer.json()
    return str([document.get(name) for name in ("code", "detail", "error_code", "message")])
