"""The front: limits, malformed HTTP, order of pipelined answers, slow and leaving clients."""

import socket
import threading
import time

import pytest

from tests.gateway.conftest import BODY_S, HEADER_S, LARGEST_BODY, Gateway, await_true, body_of, request

GOOD = request(body_of(1))
POST = b"POST /dev/one/score HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"POST /dev/one/score HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400, id="no host"),
        pytest.param(POST + b"Host: there\r\nContent-Length: 0\r\n\r\n", 400, id="two hosts"),
        pytest.param(POST + b"Content-Length: abc\r\n\r\n", 400, id="length is no number"),
        pytest.param(POST + b"Content-Length: -5\r\n\r\n", 400, id="length below zero"),
        pytest.param(POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n0000", 400, id="two lengths"),
        pytest.param(
            POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, id="length and chunks"
        ),
        pytest.param(b"POST /dev/one/score HTTP/1.1\nHost: a\n\n", 400, id="bare line feeds"),
        pytest.param(POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", 400, id="folded header"),
        pytest.param(b"POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 0\r\n\r\n", 400, id="space before colon"),
        pytest.param(b"\x00\x01\x02 hello\r\n\r\n", 400, id="garbage"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="preface of HTTP/2"),
        pytest.param(POST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400, id="upgrade"),
        pytest.param(request(b"{}", "Authorization: Bearer other"), 400, id="two keys"),
        pytest.param(POST + b"Content-Length: 99999999\r\n\r\n", 413, id="length over the limit"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (LARGEST_BODY + 1) + b"a" * (LARGEST_BODY + 1),
            413,
            id="chunks over the limit",
        ),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, id="long URL"),
        pytest.param(POST + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431, id="long header"),
        pytest.param(POST + b"X: a\r\n" * 12_000 + b"\r\n", 431, id="many headers"),
    ],
)
def test_bad_http_is_refused_and_closed(open_gateway: Gateway, sent: bytes, status: int) -> None:
    """What no client may send gets its status and a closed connection, while a good request passes."""
    assert open_gateway.status(GOOD) == 200
    answer = open_gateway.raw(sent)
    assert int(answer.split(b" ", 2)[1]) == status
    assert b"connection: close" in answer


def test_chunked_and_old_requests_pass(open_gateway: Gateway) -> None:
    """A body in chunks, a body that waits for 100, and HTTP/1.0 without a host are sound."""
    body = body_of(7)
    chunked = request(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    assert open_gateway.status(chunked + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)) == 200
    assert open_gateway.raw(request(body, "Expect: 100-continue")).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    old = request(body, head="POST /dev/one/score HTTP/1.0").replace(b"Host: here\r\n", b"")
    assert open_gateway.status(old) == 200


def test_pipelined_answers_keep_their_order(open_gateway: Gateway) -> None:
    """Forty requests sent at once on one connection are answered in the order in which they came."""
    with open_gateway.connect() as connection:
        connection.sendall(b"".join(request(body_of(number)) for number in range(40)))
        received = b""
        while received.count(b"HTTP/1.1 200") < 40 or not received.endswith(b"[39.0]"):
            received += connection.recv(65536)
    bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in received.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [b"[%d.0]" % number for number in range(40)]


def test_fault_waits_for_the_answers_before_it(open_gateway: Gateway) -> None:
    """Garbage behind two good requests: two answers, then 400, then the end."""
    received = b""
    with open_gateway.connect() as connection:
        connection.sendall(request(body_of(1)) + request(body_of(2)) + b"\x00\r\n\r\n")
        while chunk := connection.recv(65536):
            received += chunk
    assert [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]] == [200, 200, 400]


@pytest.mark.parametrize(
    ("part", "limit_s"), [(POST[:30], HEADER_S), (POST + b"Content-Length: 10\r\n\r\n12", BODY_S), (b"", HEADER_S)]
)
def test_slow_requests_end(open_gateway: Gateway, part: bytes, limit_s: float) -> None:
    """A request that does not come to its end in time gets 408, however it drips."""
    began = time.monotonic()
    with open_gateway.connect() as connection:
        connection.sendall(part)
        received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert limit_s * 0.9 < time.monotonic() - began < limit_s + 10


def test_slow_ones_harm_nobody(open_gateway: Gateway) -> None:
    """Three hundred connections that never finish their headers: a good request is answered meanwhile."""
    slow = [open_gateway.connect() for _ in range(300)]
    try:
        for connection in slow:
            connection.sendall(POST)
        answers = [open_gateway.status(GOOD) for _ in range(20)]
    finally:
        for connection in slow:
            connection.close()
    assert answers == [200] * 20


def test_client_that_leaves_is_given_up(open_gateway: Gateway) -> None:
    """The answer to a client that closed is not waited for, and the deployment is free again."""

    def counts() -> dict[str, int]:
        rows = open_gateway.read("stats").get("deployments", [])
        return next((row for row in rows if row["endpoint"] == "narrow"), {"gone": 0, "in_flight": 0})

    before = counts()["gone"]
    with open_gateway.connect() as connection:
        connection.sendall(request(body_of(-1.0), head="POST /dev/narrow/score HTTP/1.1"))
        connection.shutdown(socket.SHUT_RDWR)
    await_true(lambda: counts()["gone"] == before + 1 and counts()["in_flight"] == 0, "it is given up")


def test_ending_answers_what_is_in_flight(gateway: Gateway) -> None:
    """TERM: the request in flight gets its answer, a new connection none, and the process ends by itself."""
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(gateway.status(request(body_of(-1.0)))))
    asking.start()
    await_true(lambda: gateway.read("stats").get("in_flight") == 1, "it is in flight")
    assert gateway.process is not None
    gateway.process.terminate()
    asking.join()
    assert (answers, gateway.process.wait()) == ([200], 0)
