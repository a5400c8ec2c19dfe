"""API tokens: what is recognised and what is not, what they let through, whose they are."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from bucle.access import tokens
from bucle.access.credentials import Prefix, make_credential, read_credential
from bucle.ops.sign_in import identify
from tests.access.conftest import House

DEV = ("DataScientist", "/stages/dev")


def _code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _token(house: House, session: str, **asked: object) -> dict[str, Any]:
    return house.done("POST", "/tokens", session, asked)


def test_token_opens_until_it_expires(house: House) -> None:
    """A token calls as its owner until its last second, and is refused from then on."""
    token = _token(house, house.person("ana", DEV), expires_in_s=3600)["token"]
    house.clock.forward(seconds=3599)
    assert house.done("GET", "/whoami", token)["name"] == "ana"
    house.clock.forward(seconds=1)
    assert _code(house.ask("GET", "/whoami", token)) == (401, "sign_in.expired_token")


def test_default_lifetime_is_thirty_days(house: House) -> None:
    """A token without a given end lasts thirty days."""
    token = _token(house, house.person("ana", DEV))["token"]
    house.clock.forward(days=29, hours=23)
    assert house.done("GET", "/whoami", token)["name"] == "ana"
    house.clock.forward(hours=1)
    assert _code(house.ask("GET", "/whoami", token)) == (401, "sign_in.expired_token")


def test_revoked_token_opens_nothing(house: House) -> None:
    """Revoking takes effect at the next request."""
    session = house.person("ana", DEV)
    made = _token(house, session)
    assert house.done("GET", "/whoami", made["token"])["session"] == "token"
    house.done("POST", f"/tokens/{made['id']}:revoke", session)
    assert _code(house.ask("GET", "/whoami", made["token"])) == (401, "sign_in.revoked_token")


def test_unknown_token_opens_nothing(house: House) -> None:
    """A well-formed token that was never made here is unknown, whether or not its id exists."""
    made = _token(house, house.person("ana", DEV))
    known = read_credential("bcl", made["token"])
    forged = make_credential("bcl")
    assert known is not None
    with_known_id = replace(forged, id=known.id)
    assert house.done("GET", "/whoami", made["token"])["name"] == "ana"
    for text in (forged.text, with_known_id.text):
        assert _code(house.ask("GET", "/whoami", text)) == (401, "sign_in.unknown_token")


@pytest.mark.parametrize("kind", ["bcs", "bci"])
def test_other_credentials_are_no_tokens(house: House, kind: Prefix) -> None:
    """An invitation, and a session that was never opened, do not pass for a token."""
    answer = house.ask("GET", "/whoami", make_credential(kind).text)
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Digest abc", "Basic ???", "Basic YTpi"])
def test_malformed_headers_call_as_nobody(house: House, header: str) -> None:
    """Whatever is no credential of ours is answered 401 with a challenge, never 500."""
    assert house.done("GET", "/whoami", house.admin)["name"] == "admin"
    answer = house.api.get("/api/v1/whoami", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_basic_takes_the_token_as_password(house: House) -> None:
    """MLflow's clients may send the token as the password of HTTP Basic (RFC 7617); a person's password does not do."""
    token = _token(house, house.person("ana", DEV))["token"]

    def ask(password: str) -> int:
        header = "Basic " + base64.b64encode(f"anything:{password}".encode()).decode()
        return house.api.get("/api/v1/whoami", headers={"Authorization": header}).status_code

    assert ask(token) == 200
    assert ask("correct horse battery") == 401


def test_window_narrows_a_token(house: House) -> None:
    """A token of one action at one stage lets that through and nothing else that its owner holds."""
    window = {"scope": "/stages/dev", "actions": ["jobs/read"]}
    session = house.person("ana", DEV)
    token = _token(house, session, windows=[window])["token"]
    assert house.done("GET", "/stages/dev/data", session)["value"] == []
    assert house.done("GET", "/stages/dev/jobs", token)["value"] == []
    assert _code(house.ask("GET", "/stages/dev/data", token)) == (403, "access.denied.outside_token")


def test_narrowed_token_touches_no_token(house: House) -> None:
    """A token for one action neither lists nor revokes its owner's tokens, as an unlimited one may."""
    session = house.person("ana", DEV)
    windows = [{"scope": "/stages/dev", "actions": ["jobs/read"]}]
    narrow = _token(house, session, windows=windows)
    wide = _token(house, session)
    path = f"/tokens/{narrow['id']}:revoke"
    assert house.done("GET", "/tokens", narrow["token"])["value"] == []
    assert _code(house.ask("POST", path, narrow["token"])) == (403, "access.denied.outside_token")
    assert len(house.done("GET", "/tokens", wide["token"])["value"]) == 2
    assert house.ask("POST", path, wide["token"]).status_code == 200


def test_window_beyond_the_owner_is_refused(house: House) -> None:
    """Nobody mints a token for what he does not hold."""
    session = house.person("ana", DEV)
    held, beyond = ({"scope": "/stages/dev", "actions": [name]} for name in ("jobs/read", "promotions/approve"))
    assert _token(house, session, windows=[held])["windows"] == [held]
    answer = house.ask("POST", "/tokens", session, {"windows": [beyond]})
    assert _code(answer) == (403, "access.token_beyond_owner")


@pytest.mark.parametrize(("owner", "longest"), [(None, 365), ("bot", 90)])
def test_longest_lifetime(house: House, owner: str | None, longest: int) -> None:
    """A person's token lasts at most 365 days, a service's 90."""
    session = house.person("ana", DEV)
    house.service("bot", "ana", ("CIBuilder", "/stages/dev"))
    longest_s = longest * 86_400
    house.done("POST", "/tokens", session, {"owner": owner, "expires_in_s": longest_s})
    answer = house.ask("POST", "/tokens", session, {"owner": owner, "expires_in_s": longest_s + 1})
    assert _code(answer) == (403, "access.token_expiry")


def test_token_makes_no_token(house: House) -> None:
    """Only a login session makes one's own tokens: a stolen token cannot outlive itself."""
    session = house.person("ana", DEV)
    token = _token(house, session)["token"]
    assert _code(house.ask("POST", "/tokens", token, {})) == (403, "access.token_owner")


def test_lost_role_is_lost_in_the_token(house: House) -> None:
    """A token is decided by what its owner holds at each use."""
    token = _token(house, house.person("ana", DEV))["token"]
    assert house.done("GET", "/stages/dev/jobs", token)["value"] == []
    held = house.done("GET", "/bindings?principal=ana", house.admin)["value"]
    house.done("DELETE", f"/bindings/{held[0]['id']}", house.admin)
    assert house.ask("GET", "/stages/dev/jobs", token).status_code == 403


def test_service_carries_its_owners_person(house: House) -> None:
    """Who calls with a service's token is, for approvals, the person who owns the service."""
    session = house.person("ana", DEV)
    house.service("bot", "ana", ("CIBuilder", "/stages/dev"))
    token = _token(house, session, owner="bot")["token"]
    bot = identify(house.world, f"Bearer {token}").principal
    ana = identify(house.world, f"Bearer {session}").principal
    assert (bot.name, bot.kind, bot.person_id) == ("bot", "service", ana.id)


def test_token_of_somebody_elses_service_is_refused(house: House) -> None:
    """The owner makes his service's token; another person does not."""
    ana, ben = house.person("ana", DEV), house.person("ben", DEV)
    house.service("bot", "ana", ("CIBuilder", "/stages/dev"))
    assert _token(house, ana, owner="bot")["owner"] == "bot"
    assert house.ask("POST", "/tokens", ben, {"owner": "bot"}).status_code == 403


def test_repeated_creation_makes_one_token_and_keeps_no_text(house: House) -> None:
    """The same idempotency key answers the same token without its text, which nothing keeps."""
    session = house.person("ana", DEV)
    first = house.ask("POST", "/tokens", session, {}, Idempotency_Key="k1").json()
    again = house.ask("POST", "/tokens", session, {}, Idempotency_Key="k1").json()
    assert first["token"].startswith("bcl_")
    assert (again["id"], again["token"]) == (first["id"], None)


def test_last_use_is_noted_once_a_minute(house: House) -> None:
    """Reading writes at most once a minute for a credential."""
    session = house.person("ana", DEV)
    made = _token(house, session)
    times = []
    for _ in range(3):
        house.done("GET", "/whoami", made["token"])
        with house.world.read() as rows:
            kept = tokens.find(rows, made["id"])
        assert kept is not None
        assert kept.last_used_at is not None
        times.append(kept.last_used_at)
        house.clock.forward(seconds=40)
    assert times[0] == times[1]
    assert (times[2] - times[0]).total_seconds() == 80


@given(st.integers(min_value=0, max_value=65), st.characters(codec="ascii"))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    """A mistyped credential is told from an unknown one by its checksum, whichever character is wrong."""
    text = make_credential("bcl").text
    spoilt = text[:place] + character + text[place + 1 :]
    assert (read_credential("bcl", spoilt) is None) == (spoilt != text)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is sent is a credential or is not: nothing else happens."""
    assert read_credential("bcl", text) is None
