"""What no database takes and no JSON is, is refused in words at the door; beside each stands what is taken."""

from collections.abc import Iterator

import pytest
from httpx2 import Response

from tests.access.conftest import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation for all: what is refused leaves nothing."""
    with open_house(tmp_path_factory.mktemp("wire") / "home") as made:
        yield made


def send(house: House, body: bytes, path: str = "/sign-in:login") -> Response:
    """Send bytes as JSON, as the administrator."""
    headers = {"authorization": f"Bearer {house.admin}", "content-type": "application/json"}
    return house.api.post(f"/api/v1{path}", content=body, headers=headers)


@pytest.mark.parametrize(
    ("wrong", "right", "why"),
    [
        (b'"a\\u0000"', b'"a\\\\u0000"', "NUL"),
        (b'"\\ud800"', b'"\\ud83d\\ude00"', "surrogate"),
        (b"9223372036854775808", b"9223372036854775807", "64 bits"),
        (b"1" * 5000, b"1", "integer"),
        (b"NaN", b"1.5", "NaN"),
        (b"Infinity", b"null", "Infinity"),
        (b"[" * 100_000 + b"]" * 100_000, b"[[]]", "nested"),
        (b'"\xff"', '"ÿ"'.encode(), "UTF-8"),
    ],
)
def test_json_that_nothing_can_keep_is_refused(house: House, wrong: bytes, right: bytes, why: str) -> None:
    """The like of it that can be kept is read: the body's fields are what is then found wanting."""
    read = send(house, b'{"field": ' + right + b"}").json()["detail"]
    refused = send(house, b'{"field": ' + wrong + b"}")
    assert "name: Field required" in read
    assert refused.status_code == 400
    assert why in refused.json()["detail"]


def test_the_door_of_mlflow_reads_json_alike(house: House) -> None:
    """A tag with NUL is refused as MLflow's clients read it; without, the experiment is made."""
    path = "/mlflow/dev/api/2.0/mlflow/experiments/create"
    headers = {"authorization": f"Bearer {house.admin}"}
    made = house.api.post(path, content=b'{"name": "plain"}', headers=headers)
    refused = house.api.post(path, content=b'{"name": "a\\u0000"}', headers=headers)
    assert (made.status_code, refused.status_code) == (200, 400)
    assert refused.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("path", ["/stages/dev%00", "/stages/dev/jobs?page_token=%00", "/bindings?scope=%00"])
def test_an_address_with_nul_is_refused(house: House, path: str) -> None:
    """The same address without it is answered."""
    told = house.ask("GET", path.replace("%00", ""), house.admin)
    refused = house.ask("GET", path, house.admin)
    assert told.status_code in {200, 400}
    assert told.json().get("code") != "wire.nul"
    assert (refused.status_code, refused.json()["code"]) == (400, "wire.nul")


@pytest.mark.parametrize("key", ["<a", "[", "<single>", "[key]"])
def test_a_key_that_looks_like_a_mark_is_named(house: House, key: str) -> None:
    """An unknown key is told by its name, whatever it begins with."""
    answer = house.ask("POST", "/platform:plan", house.admin, {"name": "x", "paths": {}, "stages": {}, key: 1})
    assert answer.status_code == 400
    assert f"{key}: unknown key" in answer.json()["detail"]


def test_a_long_idempotency_key_is_refused(house: House) -> None:
    """255 characters are taken, 256 are not."""
    body = {"name": "somebody", "kind": "person"}
    refused = house.ask("POST", "/principals", house.admin, body, idempotency_key="k" * 256)
    taken = house.ask("POST", "/principals", house.admin, body, idempotency_key="k" * 255)
    assert (refused.status_code, refused.json()["code"]) == (400, "wire.key_too_long")
    assert taken.status_code == 201


def test_another_method_is_told_which_there_are(house: House) -> None:
    """`Allow` lists what the address takes: all of its routes' methods, not those of its neighbours."""
    assert house.ask("PUT", "/bindings", house.admin).headers["allow"] == "GET, POST"
    assert house.ask("PUT", "/principals/a:disable", house.admin).headers["allow"] == "POST"
    assert house.ask("PUT", "/principals/a", house.admin).headers["allow"] == "GET"


def test_a_body_beyond_the_limit_is_named_so(house: House) -> None:
    """A document larger than 16 MiB is refused by the length it declares, or where it passes the limit."""
    body = b'{"name": "' + b"a" * (16 << 20) + b'"}'
    declared = send(house, body)
    headers = {"authorization": f"Bearer {house.admin}", "content-type": "application/json"}
    streamed = house.api.post("/api/v1/sign-in:login", content=iter([body[:99], body[99:]]), headers=headers)
    assert (declared.status_code, declared.json()["code"]) == (413, "wire.too_large")
    assert (streamed.status_code, streamed.json()["code"]) == (400, "wire.too_large")
    assert "name: Field required" not in send(house, body[:1000] + b'"}').json()["detail"]
