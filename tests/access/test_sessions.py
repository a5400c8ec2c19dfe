"""Signing in: invitations, passwords, the ends of a session, and how often one may try."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from bucle import errors
from bucle.access.attempts import Attempts, Limit
from bucle.access.passwords import Passwords
from tests.access.conftest import House

START = datetime(2026, 3, 1, tzinfo=UTC)


def _code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _invite(house: House, name: str = "ana") -> str:
    return str(house.done("POST", f"/principals/{name}:invite", house.admin, {"kind": "person"})["code"])


def _redeem(house: House, code: str, password: str = "correct horse battery") -> Response:
    return house.ask("POST", "/sign-in:redeem", body={"code": code, "password": password})


def test_session_ends_after_idle_hours(house: House) -> None:
    """Each use begins the eight hours anew; eight hours without one end the session."""
    session = house.person("ana")
    for _ in range(2):
        house.clock.forward(hours=7, minutes=59)
        assert house.done("GET", "/whoami", session)["session"] == "login"
    house.clock.forward(hours=8)
    assert _code(house.ask("GET", "/whoami", session)) == (401, "sign_in.expired_session")


def test_session_ends_after_a_day(house: House) -> None:
    """However busy, a session ends after twenty-four hours."""
    session = house.person("ana")
    for _ in range(5):
        house.clock.forward(hours=4, minutes=47)
        assert house.ask("GET", "/whoami", session).status_code == 200
    house.clock.forward(minutes=5)
    assert _code(house.ask("GET", "/whoami", session)) == (401, "sign_in.expired_session")


def test_login_rotates_the_session(house: House) -> None:
    """Signing in again gives another session and ends the one that was presented."""
    first = house.person("ana")
    assert house.ask("GET", "/whoami", first).status_code == 200
    second = house.login("ana", credential=first).json()["session"]
    assert house.done("GET", "/whoami", second)["name"] == "ana"
    assert _code(house.ask("GET", "/whoami", first)) == (401, "sign_in.ended_session")


def test_logout_ends_the_session(house: House) -> None:
    """After signing out the session opens nothing; a token cannot sign out."""
    session = house.person("ana")
    assert _code(house.ask("POST", "/sign-in:logout", house.admin)) == (400, "sign_in.no_session")
    house.done("POST", "/sign-in:logout", session)
    assert _code(house.ask("GET", "/whoami", session)) == (401, "sign_in.ended_session")


def test_invitation_opens_once(house: House) -> None:
    """A code sets a password once; whoever comes second is refused, and the first password stands."""
    code = _invite(house)
    assert _redeem(house, code).status_code == 200
    assert _code(_redeem(house, code, "another long password")) == (401, "sign_in.bad_invitation")
    assert house.login("ana").status_code == 200
    assert house.login("ana", "another long password").status_code == 401


@pytest.mark.parametrize(("hours", "status"), [(23, 200), (24, 401)])
def test_invitation_lasts_a_day(house: House, hours: int, status: int) -> None:
    """A code is good for less than twenty-four hours."""
    code = _invite(house)
    house.clock.forward(hours=hours)
    assert _redeem(house, code).status_code == status


def test_later_invitation_voids_the_earlier(house: House) -> None:
    """One code is open at a time."""
    first, second = _invite(house), _invite(house)
    assert _code(_redeem(house, first)) == (401, "sign_in.bad_invitation")
    assert _redeem(house, second).status_code == 200


def test_new_password_ends_earlier_sessions(house: House) -> None:
    """Whoever signed in with the old password is out once a new one is set."""
    earlier = house.person("ana")
    assert house.ask("GET", "/whoami", earlier).status_code == 200
    assert _redeem(house, _invite(house), "another long password").status_code == 200
    assert _code(house.ask("GET", "/whoami", earlier)) == (401, "sign_in.ended_session")
    assert _code(house.login("ana")) == (401, "sign_in.wrong_password")


def test_redeeming_names_the_inviter(house: House) -> None:
    """The event of a new password says who invited."""
    house.person("ana")
    told = [line for line in house.lines() if line["what"] == "sign-in/redeem"]
    assert [(line["who"], line["after"]) for line in told] == [("ana", {"invited_by": "admin"})]


def test_services_are_not_invited(house: House) -> None:
    """Only people have passwords."""
    house.person("ana")
    house.service("bot", "ana")
    assert _code(house.ask("POST", "/principals/bot:invite", house.admin)) == (400, "principal.not_a_person")


@pytest.mark.parametrize(("length", "status"), [(11, 400), (12, 200), (1024, 200), (1025, 400)])
def test_length_of_a_password(house: House, length: int, status: int) -> None:
    """A password has 12 to 1024 characters, and a code is not used up by one that has not."""
    code = _invite(house)
    assert _redeem(house, code, "p" * length).status_code == status
    if status == 400:
        assert _redeem(house, code).status_code == 200


def test_unknown_name_is_answered_as_a_wrong_password(house: House) -> None:
    """The answer does not tell whether a name exists."""
    house.person("ana")
    known, unknown = house.login("ana", "wrong horse battery"), house.login("nobody", "wrong horse battery")
    told = ("status", "code", "detail", "hint")
    assert [known.json()[name] for name in told] == [unknown.json()[name] for name in told]
    assert known.status_code == 401


def test_tries_are_limited(house: House) -> None:
    """After five wrong passwords the right one waits too, half a minute; another name does not."""
    house.person("ana")
    house.person("ben")
    for _ in range(5):
        assert house.login("ana", "wrong horse battery").status_code == 401
    limited = house.login("ana")
    assert _code(limited) == (429, "sign_in.too_many")
    assert 1 <= int(limited.headers["retry-after"]) <= 31
    assert house.login("ben").status_code == 200
    house.clock.forward(seconds=31)
    assert house.login("ana").status_code == 200


def test_success_forgives_earlier_tries(house: House) -> None:
    """Who signs in gets his tries back."""
    house.person("ana")
    for _ in range(3):
        for _ in range(4):
            assert house.login("ana", "wrong horse battery").status_code == 401
        assert house.login("ana").status_code == 200


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=60))
def test_no_more_than_the_limit_gets_through(gaps: list[float]) -> None:
    """In any span of seconds at most the burst and one a period are let through."""
    attempts = Attempts(of_a_name=Limit(burst=3, every=timedelta(seconds=10)))
    now, let = START, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        try:
            attempts.take("ana", "192.0.2.1", now)
        except errors.TooMany:
            continue
        let.append(now)
    for first, start in enumerate(let):
        for last in range(first, len(let)):
            span_s = (let[last] - start).total_seconds()
            assert last - first + 1 <= 3 + span_s / 10


def test_limits_of_addresses_are_apart() -> None:
    """One address that fails does not lock the name out elsewhere."""
    attempts = Attempts(of_a_name=Limit(burst=1, every=timedelta(seconds=10)))
    attempts.take("ana", "192.0.2.1", START)
    with pytest.raises(errors.TooMany):
        attempts.take("ana", "192.0.2.1", START)
    attempts.take("ana", "192.0.2.2", START)


def test_password_is_kept_as_scrypt_of_its_cost() -> None:
    """The default cost is 2^17; what is kept tells its own cost and never the password."""
    assert Passwords().cost == 131_072
    kept = Passwords(cost=1 << 10).hash("correct horse battery")
    assert kept.startswith("scrypt$1024$")
    assert Passwords().matches("correct horse battery", kept)
    assert not Passwords().matches("correct horse batterz", kept)


def test_one_password_is_kept_in_two_ways() -> None:
    """Each hash has a salt of its own."""
    passwords = Passwords(cost=1 << 10)
    assert passwords.hash("correct horse battery") != passwords.hash("correct horse battery")
