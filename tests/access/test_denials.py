"""What is written down of refusals, what is written nowhere, and hosts that are not answered."""

import logging
from pathlib import Path

import pytest

from bucle.store.tables.store import chain_head
from tests.access.conftest import House
from tests.postgresql import cluster

DEV = ("DataScientist", "/stages/dev")
GRANT = {"principal": "ana", "role": "Reader", "scope": "/stages/dev"}


def _denials(house: House) -> list[tuple[str, str, str]]:
    return [(line["who"], line["subject"], line["after"]["code"]) for line in house.lines() if line["what"] == "denied"]


def test_refusal_is_an_event(house: House) -> None:
    """Who was refused what is one line of the chain; what was allowed leaves none of that kind."""
    session = house.person("ana", DEV)
    assert house.ask("GET", "/stages/dev/jobs", session).status_code == 200
    assert _denials(house) == []
    assert house.ask("POST", "/bindings", session, GRANT).status_code == 403
    assert _denials(house) == [("ana", "POST /api/v1/bindings", "access.denied.not_in_role")]


def test_rule_of_granting_is_an_event_too(house: House) -> None:
    """Not only missing permissions are recorded: a refused grant is."""
    ada = house.person("ada", ("AccessAdmin", "/"))
    assert house.ask("POST", "/bindings", ada, {**GRANT, "principal": "ada"}).status_code == 403
    assert _denials(house) == [("ada", "POST /api/v1/bindings", "access.own_grant")]


def test_nobody_leaves_no_line(house: House) -> None:
    """A caller who is not known cannot write into the chain."""
    before = len(house.lines())
    assert house.ask("POST", "/bindings", "bcl_x", GRANT).status_code == 401
    assert len(house.lines()) == before


def test_refusal_stands_when_it_cannot_be_written(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A chain that takes no line changes nothing about the answer, and the log tells."""
    session = house.person("ana", DEV)
    with house.world.records.write(house.clock()) as transaction:
        chain_head.drop(transaction.rows)
    with caplog.at_level(logging.ERROR, logger="bucle.server"):
        answer = house.ask("POST", "/bindings", session, GRANT)
    assert (answer.status_code, answer.json()["code"]) == (403, "access.denied.not_in_role")
    assert "was not recorded" in caplog.text


def test_secrets_are_kept_nowhere(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Password, code, session and token are in no file of the installation and in no line of the log."""
    caplog.set_level(logging.DEBUG)
    code = house.done("POST", "/principals/ana:invite", house.admin, {"kind": "person"})["code"]
    session = house.done("POST", "/sign-in:redeem", body={"code": code, "password": "tr0ub4dor&3-secret"})["session"]
    made = house.ask("POST", "/tokens", session, {}, Idempotency_Key="k").json()["token"]
    house.login("ana", "tr0ub4dor&3-sacret")
    secrets = ["tr0ub4dor", *(text.split("_", 2)[2][:43] for text in (code, session, made))]
    kept = b"".join(path.read_bytes() for path in _files(house.world.home.root))
    if house.world.home.records_address.exists():
        kept += cluster().dump(house.world.home.records_address.read_text()).encode()
    assert b"sign-in/redeem" in kept
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in caplog.text


def test_secrets_are_told_once(house: House) -> None:
    """No answer but that of its making shows a secret or a hash of one."""
    session = house.person("ana", DEV)
    token = house.done("POST", "/tokens", session, {})["token"]
    told = "".join(
        house.ask("GET", path, house.admin).text
        for path in ("/principals", "/principals/ana", "/tokens?owner=ana", "/audit", "/bindings", "/whoami")
    )
    assert token.split("_")[1] in told
    for secret in (token.split("_", 2)[2][:43], session.split("_", 2)[2][:43], "scrypt$", "hmac"):
        assert secret not in told


@pytest.mark.parametrize("path", ["/api/v1/sign-in:login", "/api/v1/bindings", "/api/v1/health"])
def test_forged_host_is_refused(house: House, path: str) -> None:
    """A page of another site whose name was rebound to this machine is not answered, whatever it sends."""
    headers = {"Authorization": f"Bearer {house.admin}"}
    own = house.api.get("/api/v1/bindings", headers=headers)
    assert own.status_code == 200
    answer = house.api.post(path, headers={**headers, "Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "sign_in.bad_host")


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]
