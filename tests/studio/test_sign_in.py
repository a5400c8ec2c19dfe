"""Signing in on the page: the cookie, where one goes afterwards, forms of other sites, the end of a session."""

import re

import pytest
from httpx2 import Response

from tests.access.conftest import PASSWORD, House
from tests.studio.conftest import OWN, Browser, browser

FORM = {"name": "ana", "password": PASSWORD}


def _send(house: House, fields: dict[str, str], headers: dict[str, str] = OWN, path: str = "/sign-in") -> Response:
    return house.api.post(f"/studio{path}", data=fields, headers=headers, follow_redirects=False)


def _session(answer: Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0].removeprefix("bucle_session=")


def test_password_opens_a_session(house: House) -> None:
    """Name and password set a cookie that scripts cannot read and other sites cannot send, and lead to the Loop."""
    house.person("ana")
    answer = _send(house, FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/loop")
    kept = answer.headers["set-cookie"].lower()
    assert [word for word in ("httponly", "samesite=lax", "path=/studio") if word not in kept] == []
    assert Browser(house=house, session=_session(answer)).get("/studio/loop").status_code == 200
    assert [line["via"] for line in house.lines() if line["what"] == "sign-in/login"] == ["studio"]


def test_invitation_opens_a_session(house: House) -> None:
    """The code of an invitation and a new password do too; the code once only."""
    code = house.done("POST", "/principals/ana:invite", house.admin, {"kind": "person"})["code"]
    fields = {"code": code, "password": PASSWORD}
    assert _send(house, fields, path="/sign-in:redeem").status_code == 303
    again = _send(house, fields, path="/sign-in:redeem")
    assert again.status_code == 401
    assert "This invitation is unknown, used or older than a day" in again.text


def test_wrong_password_is_told_in_words(house: House) -> None:
    """The form comes back with a sentence and the name, without the password; nobody is let in."""
    house.person("ana")
    assert _send(house, FORM).status_code == 303
    answer = _send(house, {**FORM, "password": "wrong horse battery"})
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert 'value="ana"' in answer.text
    assert "wrong horse" not in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_in_rotates_the_session(house: House) -> None:
    """A session that the browser had before ends: one that was planted there opens nothing afterwards."""
    house.person("ana")
    before = browser(house, "ana")
    assert before.get("/studio/loop").status_code == 200
    after = _session(before.post("/studio/sign-in", **FORM))
    assert after != before.session
    assert before.get("/studio/loop").headers["location"] == "/studio/sign-in?next=/studio/loop"


def test_signing_out_ends_the_session(house: House) -> None:
    """After signing out the cookie opens nothing, on pages and on the API alike."""
    house.person("ana")
    seat = browser(house, "ana")
    assert house.ask("GET", "/whoami", seat.session).status_code == 200
    answer = seat.post("/studio/sign-out", form_token=seat.token("/studio/loop"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/sign-in")
    assert seat.get("/studio/loop").status_code == 303
    assert house.ask("GET", "/whoami", seat.session).json()["code"] == "sign_in.ended_session"


def test_a_page_asks_to_sign_in_and_comes_back(house: House) -> None:
    """Who is not signed in is led to the form, and from there to the page that he wanted."""
    house.person("ana")
    asked = house.api.get("/studio/promotions/x-to-prod-1", follow_redirects=False)
    assert asked.headers["location"] == "/studio/sign-in?next=/studio/promotions/x-to-prod-1"
    form = house.api.get(asked.headers["location"]).text
    wanted = re.search(r'name="next_page" value="([^"]+)"', form)
    assert wanted is not None
    assert _send(house, {**FORM, "next_page": wanted[1]}).headers["location"] == "/studio/promotions/x-to-prod-1"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/studio\\..//evil.example",
        "javascript:alert(1)", "/studio/loop\r\nset-cookie: a=b", "/studio//evil.example/",
        "/studiox", "/studio/../api", "/", "@evil.example",
    ],
)  # fmt: skip
def test_next_never_leaves_the_site(house: House, wanted: str) -> None:
    """Whatever a link to the form says, signing in ends on a page of ours."""
    house.person("ana")
    assert _send(house, {**FORM, "next_page": "/studio/promotions"}).headers["location"] == "/studio/promotions"
    assert _send(house, {**FORM, "next_page": wanted}).headers["location"] == "/studio/loop"
    form = house.api.get("/studio/sign-in", params={"next": wanted}).text
    assert 'name="next_page" value="/studio/loop"' in form


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1", "sec-fetch-site": "cross-site"},
        {"origin": "https://127.0.0.1", "sec-fetch-site": "same-origin"},
    ],
)  # fmt: skip
def test_sign_in_from_another_site_is_refused(house: House, headers: dict[str, str]) -> None:
    """A form of another site signs nobody in, not even with the right password."""
    house.person("ana")
    assert _send(house, FORM, {"origin": "http://127.0.0.1"}).status_code == 303
    answer = _send(house, FORM, headers)
    assert answer.status_code == 403
    assert "This form was sent from another site, and nothing was done." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_token_in_the_cookie_is_nobody(house: House) -> None:
    """The cookie holds a session; an API token put there opens no page."""
    session = house.person("ana")
    token = house.done("POST", "/tokens", session, {})["token"]
    assert Browser(house=house, session=session).get("/studio/loop").status_code == 200
    assert Browser(house=house, session=token).get("/studio/loop").headers["location"].startswith("/studio/sign-in")


def test_the_api_knows_no_cookie(house: House) -> None:
    """The API answers to an Authorization header; a cookie alone is nobody there, and adds nothing to a token."""
    house.person("ana")
    cookie = {"cookie": f"bucle_session={house.login('ana').json()['session']}"}
    assert house.api.get("/studio/loop.json", headers=cookie).status_code == 200
    assert house.api.get("/api/v1/whoami", headers=cookie).json()["code"] == "sign_in.nobody"
    both = {**cookie, "authorization": f"Bearer {house.admin}"}
    assert house.api.get("/api/v1/whoami", headers=both).json()["name"] == "admin"


def test_tries_are_limited_on_the_page_too(house: House) -> None:
    """After five wrong passwords the page says how long to wait."""
    house.person("ana")
    for _ in range(5):
        assert _send(house, {**FORM, "password": "wrong horse battery"}).status_code == 401
    limited = _send(house, FORM)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 31


def test_a_bad_form_is_told_in_words(house: House) -> None:
    """A field that is missing or too long is named on a page."""
    house.person("ana")
    assert _send(house, FORM).status_code == 303
    answer = _send(house, {"name": "ana"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "A field of this form is missing or too long: password." in answer.text
