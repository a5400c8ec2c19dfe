"""The core: keys, paths, traffic, request ids, generations, and what is collected."""

import http.client
import json
import signal
import threading

import pytest

from bucle.gateway.table import choose, read_table
from bucle.runtime.segment import Collected, read_segment
from tests.gateway.conftest import (
    KEY,
    OTHER_KEY,
    PATIENCE_S,
    REPLAY_TOKEN,
    SALT,
    SECOND_KEY,
    STANDARD,
    Gateway,
    await_true,
    body_of,
    deployment,
    endpoint,
)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {KEY}", 200),
        (f"bearer {SECOND_KEY}", 200),
        (None, 401),
        ("Bearer ", 401),
        ("Bearer wrong", 401),
        (f"Basic {KEY}", 401),
        (f"Bearer {OTHER_KEY}", 403),
    ],
)
def test_keys(open_gateway: Gateway, authorization: str | None, status: int) -> None:
    """Both keys open their endpoint, another endpoint's is told apart from a stranger's."""
    answered = open_gateway.ask(body_of(1), authorization=authorization)
    assert answered.status == status
    assert ("www-authenticate" in answered.headers) == (status == 401)


@pytest.mark.parametrize(
    ("path", "method", "content_type", "status"),
    [
        ("/dev/one/score?x=1", "POST", "application/json; charset=utf-8", 200),
        ("/dev/one", "POST", "application/json", 404),
        ("/dev/one/score/", "POST", "application/json", 404),
        ("/", "POST", "application/json", 404),
        ("/dev/none/score", "POST", "application/json", 404),
        ("/prod/one/score", "POST", "application/json", 404),
        ("/dev/one/score", "GET", "application/json", 405),
        ("/dev/one/score", "DELETE", "application/json", 405),
        ("/dev/one/score", "POST", "text/csv", 415),
        ("/dev/one/score", "POST", None, 415),
        ("/dev/down/score", "POST", "application/json", 503),
        ("/dev/empty/score", "POST", "application/json", 503),
    ],
)
def test_paths(open_gateway: Gateway, path: str, method: str, content_type: str | None, status: int) -> None:
    """Each way to miss an endpoint has its own status."""
    answered = open_gateway.ask(body_of(1), path=path, method=method, content_type=content_type)
    assert answered.status == status
    assert answered.headers.get("allow") == ("POST" if status == 405 else None)
    assert answered.headers.get("retry-after") == ("1" if status == 503 else None)


def test_deployment_is_chosen_by_header(open_gateway: Gateway) -> None:
    """The header reaches a deployment without traffic; a name that is not there is a 404."""
    assert open_gateway.ask(body_of(1)).headers["azureml-model-deployment"] == "blue"
    named = open_gateway.ask(body_of(1), azureml_model_deployment="green")
    assert (named.status, named.headers["azureml-model-deployment"]) == (200, "green")
    assert open_gateway.ask(body_of(1), azureml_model_deployment="red").status == 404


def test_traffic_splits_as_told(open_gateway: Gateway) -> None:
    """Of 2,000 fixed ids at 10 % between 133 and 267 go to green: five standard deviations of a binomial of 200."""
    connection = http.client.HTTPConnection("127.0.0.1", open_gateway.port, timeout=PATIENCE_S)
    green = 0
    for number in range(2000):
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "x-request-id": f"t-{number}"}
        connection.request("POST", "/dev/split/score", body_of(1), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        green += answer.headers["azureml-model-deployment"] == "green"
    connection.close()
    assert 133 <= green <= 267


def test_choice_follows_the_id() -> None:
    """The same id goes to the same deployment, and under another salt to another set."""
    document = {"format": 1, "generation": 1, "salt": SALT, "replay": None, "workers": [], "endpoints": [STANDARD[2]]}
    split = read_table(json.dumps(document).encode()).endpoints["dev", "split"]

    def green(salt: bytes) -> set[int]:
        chosen = {number: choose(split, str(number), salt) for number in range(1000)}
        return {number for number, found in chosen.items() if found is not None and found.name == "green"}

    assert green(b"a") == green(b"a")
    assert green(b"a") != green(b"b")


@pytest.mark.parametrize(
    "traffic", [{"blue": 999}, {"blue": 1001}, {"blue": 1100, "green": -100}, {"blue": 500, "red": 500}]
)
def test_tables_that_lose_traffic_are_refused(open_gateway: Gateway, traffic: dict[str, int]) -> None:
    """A table whose traffic does not sum to 1000 is refused with the reason; the one before stands."""
    before = open_gateway.read("applied")["generation"]
    bad = endpoint("one", traffic, deployment("blue"), deployment("green"))
    document = {"format": 1, "generation": 10_000, "salt": SALT, "replay": None, "workers": [], "endpoints": [bad]}
    open_gateway.write("routes", document)
    await_true(lambda: open_gateway.read("applied")["refused"] is not None, "the table is refused")
    assert open_gateway.read("applied")["generation"] == before
    assert open_gateway.ask(body_of(1)).status == 200
    open_gateway.route(*STANDARD)


def test_generations_follow_each_other(gateway: Gateway) -> None:
    """A second generation moves all traffic while clients ask, and takes a key away; no request fails on the way."""
    statuses: list[int] = []
    ending = threading.Event()

    def ask() -> None:
        while not ending.is_set():
            statuses.append(gateway.ask(body_of(1), authorization=f"Bearer {SECOND_KEY}").status)

    asking = threading.Thread(target=ask)
    asking.start()
    gateway.start_worker("v")
    moved = endpoint("one", {"green": 1000}, deployment("blue"), deployment("green", worker="v"))
    gateway.route(endpoint("one", {"blue": 1000}, deployment("blue"), deployment("green", worker="v")))
    await_true(lambda: gateway.ask(body_of(1), azureml_model_deployment="green").status == 200, "v is linked")
    gateway.route(moved)
    ending.set()
    asking.join()
    assert gateway.ask(body_of(1)).headers["azureml-model-deployment"] == "green"
    assert set(statuses) == {200}
    gateway.route({**moved, "keys": moved["keys"][1:]})
    assert gateway.ask(body_of(1)).status == 401


def test_request_ids(open_gateway: Gateway) -> None:
    """A client's id is used once; a second time, or malformed, the request goes by another; a refused one is free."""

    def used(asked: str, body: bytes = body_of(1)) -> str:
        return open_gateway.ask(body, x_request_id=asked).headers["x-request-id"]

    assert used("order-7") == "order-7"
    assert used("order-7") != "order-7"
    assert used("order 8") != "order 8"
    assert used("x" * 65) != "x" * 65
    assert used("order-9", b"{") == "order-9"
    assert used("order-9") == "order-9"


def test_worker_that_dies_is_told(gateway: Gateway) -> None:
    """The request that ended its worker gets 502, the next 503 at once, and after a new worker 200 again."""
    assert gateway.ask(body_of(1e6)).status == 502
    assert gateway.ask(body_of(1)).status == 503
    gateway.workers["w"].wait()
    gateway.start_worker("w")
    await_true(lambda: gateway.ask(body_of(1)).status == 200, "the new worker is linked")


def test_hung_worker_gets_nothing_new(gateway: Gateway) -> None:
    """A stopped process answers no ping: after two seconds requests are refused at once; it goes on, and they pass."""
    await_true(lambda: gateway.read("applied")["linked"] == ["w"], "it is linked")
    gateway.workers["w"].send_signal(signal.SIGSTOP)
    await_true(lambda: gateway.read("applied")["linked"] == [], "it is taken for hung")
    assert gateway.ask(body_of(1)).status == 503
    gateway.workers["w"].send_signal(signal.SIGCONT)
    await_true(lambda: gateway.ask(body_of(1)).status == 200, "it answers again")


def test_worker_of_another_model_gets_nothing(gateway: Gateway) -> None:
    """A worker that says it serves another digest than the deployment's is not asked."""
    assert gateway.ask(body_of(1)).status == 200
    gateway.route(endpoint("one", {"blue": 1000}, deployment("blue", model="another")))
    assert gateway.ask(body_of(1)).status == 503


def test_stranger_behind_the_socket_is_refused(gateway: Gateway) -> None:
    """A process that is not the one which the keeper names gets no request, though it has the socket."""
    gateway.workers["w"].kill()
    gateway.workers["w"].wait()
    gateway.start_worker("w")
    told = gateway.read("workers")["workers"]
    gateway.write("workers", {"workers": {"w": {**told["w"], "pid": 1}}})
    await_true(lambda: gateway.ask(body_of(1)).status == 503, "the link is gone")
    gateway.write("workers", {"workers": told})
    await_true(lambda: gateway.ask(body_of(1)).status == 200, "the right one is linked")


def collected(gateway: Gateway, kind: str) -> list[Collected]:
    """Return what sealed segments of a kind hold."""
    paths = sorted((gateway.folder / "segments").glob(f"{kind}-*.sealed"))
    return [record for path in paths for record in read_segment(path)[0]]


def test_requests_are_collected(gateway: Gateway) -> None:
    """Good and failed requests lie in sealed segments with their bodies; the server's replays lie apart."""
    gateway.ask(body_of(3, 4), x_request_id="live-1")
    gateway.ask(b"{", x_request_id="bad-1")
    gateway.ask(body_of(5), x_request_id="replay-1", authorization=f"Bearer {REPLAY_TOKEN}")
    await_true(lambda: {one.request_id for one in collected(gateway, "live")} >= {"live-1", "bad-1"}, "they are sealed")
    live = {one.request_id: one for one in collected(gateway, "live")}
    assert (live["live-1"].request, live["live-1"].response) == (body_of(3, 4), b"[3.0,4.0]")
    assert (live["live-1"].release, live["live-1"].status, live["live-1"].replayed) == ("r-blue", 200, False)
    assert (live["bad-1"].status, live["bad-1"].request) == (400, b"")
    await_true(lambda: len(collected(gateway, "replayed")) == 1, "the replay is sealed")
    assert collected(gateway, "replayed")[0].request_id == "replay-1"
    assert "replay-1" not in live


def test_killed_gateway_loses_no_sealed_row(gateway: Gateway) -> None:
    """After kill -9 what was written is sealed by the next gateway, which serves from the same folder."""
    gateway.ask(body_of(3), x_request_id="before")
    await_true(lambda: any((gateway.folder / "segments").iterdir()), "it is on disk")
    assert gateway.process is not None
    gateway.process.kill()
    gateway.process.wait()
    gateway.start()
    await_true(lambda: gateway.ask(body_of(1)).status == 200, "the worker is linked again")
    await_true(lambda: "before" in {one.request_id for one in collected(gateway, "live")}, "it is sealed")
