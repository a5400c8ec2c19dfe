"""A gateway process of the tests' own, and one real worker whose model is three lines of Python."""

import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 30.0
SALT = "a5" * 32
KEY, SECOND_KEY, OTHER_KEY, REPLAY_TOKEN = "key-one", "key-two", "key-of-other", "replay-token"
LARGEST_BODY = 100_000
HEADER_S, BODY_S = 1.0, 2.0

# `n` is answered by itself; below zero it is the seconds to sleep first, a millionfold one ends the process.
WORKER = """
import asyncio, os, socket, sys, time
from bucle.runtime.payload import Column, Schema
from bucle.runtime.served_model import ServedModel
from bucle.runtime.worker import Order, serve

def predict(rows):
    for (n,) in rows:
        if n == 1e6:
            os._exit(9)
        if n < 0:
            time.sleep(-n)
    return [n for (n,) in rows]

bound = socket.socket(socket.AF_UNIX)
bound.bind("\\0" + sys.argv[1])
order = Order(listener=bound.detach(), model="-", model_digest="m", ready=sys.argv[2], pass_through=(), most_rows=100)
columns = (Column(name="n", kind="double"),)
model = ServedModel(columns=columns, example=(), predict=predict)
asyncio.run(serve(order, model, Schema(columns=columns), {"row_wise": True, "why": "each by itself"}))
"""


def digest(key: str) -> str:
    """Return what a table holds of a key."""
    return hmac.new(bytes.fromhex(SALT), key.encode(), sha256).hexdigest()


def body_of(*numbers: float) -> bytes:
    """Return a request's body."""
    return json.dumps({"input_data": {"columns": ["n"], "data": [[number] for number in numbers]}}).encode()


def request(body: bytes, *lines: str, head: str = "POST /dev/one/score HTTP/1.1") -> bytes:
    """Return a whole good request, with further header lines."""
    given = (
        head,
        "Host: here",
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *lines,
    )
    return "\r\n".join((*given, "\r\n")).encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a request got."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(kw_only=True)
class Gateway:
    """A gateway folder and its process."""

    folder: Path
    generation: int = 0
    process: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start the gateway."""
        command = [sys.executable, "-m", "bucle.gateway", "--folder", str(self.folder), "--port", "0"]
        limits = ["--largest-body", str(LARGEST_BODY), "--header-timeout", str(HEADER_S), "--body-timeout", str(BODY_S)]
        (self.folder / "gateway.json").unlink(missing_ok=True)
        self.process = subprocess.Popen([*command, *limits])
        await_true((self.folder / "gateway.json").exists, "the gateway is up")

    def start_worker(self, identity: str) -> None:
        """Start a worker, and say so as the keeper does."""
        ready, name = self.folder / f"{identity}.ready", f"bucle-test-{os.getpid()}-{identity}-{time.time_ns()}"
        ready.unlink(missing_ok=True)
        self.workers[identity] = subprocess.Popen([sys.executable, "-c", WORKER, name, str(ready)])
        await_true(ready.exists, "the worker is ready")
        told = self.read("workers").get("workers", {})
        told[identity] = {"state": "ready", "socket": name, "pid": self.workers[identity].pid}
        self.write("workers", {"workers": told})

    def stop(self) -> None:
        """End everything."""
        for process in (self.process, *self.workers.values()):
            if process is not None:
                process.kill()
                process.wait()

    def route(self, *endpoints: Mapping[str, Any]) -> None:
        """Write the next generation, and wait until the gateway follows it."""
        self.generation += 1
        self.write(
            "routes",
            {
                "format": 1,
                "generation": self.generation,
                "salt": SALT,
                "replay": digest(REPLAY_TOKEN),
                "endpoints": list(endpoints),
                "workers": [],
            },
        )
        await_true(lambda: self.read("applied").get("generation") == self.generation, "the table is applied")

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Put a document where the gateway looks."""
        draft = self.folder / f".{name}"
        draft.write_text(json.dumps(document))
        draft.rename(self.folder / f"{name}.json")

    def read(self, name: str) -> dict[str, Any]:
        """Return a document of the folder; empty when it is not there."""
        try:
            found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.read("gateway")["port"])

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def raw(self, data: bytes) -> bytes:
        """Send bytes; return all that comes back until the gateway closes, or answers and waits."""
        with self.connect() as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
                if b"connection: close" not in received and _is_whole(received):
                    break
            return received

    def status(self, data: bytes) -> int:
        """Return the status of the first answer to some bytes."""
        return int(self.raw(data).split(b" ", 2)[1])

    def ask(
        self, body: bytes, *, path: str = "/dev/one/score", method: str = "POST", **headers: str | None
    ) -> Answered:
        """Ask; `_` in the name of a header stands for `-`, None leaves it out."""
        given = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}  # type: ignore[dict-item]  # filtered below
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, {name: text for name, text in given.items() if text is not None})
            found = connection.getresponse()
            named = {name.lower(): text for name, text in found.getheaders()}
            return Answered(status=found.status, headers=named, body=json.loads(found.read()))
        finally:
            connection.close()


def _is_whole(received: bytes) -> bool:
    head, _, rest = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(rest) >= int(lengths[0].split(b":")[1])


def deployment(name: str, worker: str = "w", **rest: Any) -> dict[str, Any]:
    """Return a deployment of the table."""
    given = {"name": name, "worker": worker, "release": f"r-{name}", "model": "m"}
    return {**given, "most_in_flight": 64, "timeout_ms": 5000, "collect": True, **rest}


def endpoint(name: str, traffic: Mapping[str, int], *deployments: Mapping[str, Any]) -> dict[str, Any]:
    """Return an endpoint of the table."""
    keys = [digest(key) for key in ((OTHER_KEY,) if name == "two" else (KEY, SECOND_KEY))]
    return {"stage": "dev", "name": name, "keys": keys, "traffic": dict(traffic), "deployments": list(deployments)}


STANDARD = (
    endpoint("one", {"blue": 1000}, deployment("blue"), deployment("green")),
    endpoint("two", {"blue": 1000}, deployment("blue")),
    endpoint("split", {"blue": 900, "green": 100}, deployment("blue"), deployment("green")),
    endpoint("narrow", {"blue": 1000}, deployment("blue", most_in_flight=2, timeout_ms=1500)),
    endpoint("down", {"blue": 1000}, deployment("blue", worker="nowhere")),
    endpoint("empty", {}, deployment("blue")),
)


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds`; fail naming `what` when it never does."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, f"never came true: {what}"
        time.sleep(0.01)


def _gateway(folder: Path) -> Iterator[Gateway]:
    made = Gateway(folder=folder)
    try:
        made.start_worker("w")
        made.start()
        made.route(*STANDARD)
        await_true(lambda: made.ask(body_of(1)).status == 200, "the worker is linked")
        yield made
    finally:
        made.stop()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Give a gateway of the test's own."""
    yield from _gateway(tmp_path)


@pytest.fixture(scope="module")
def open_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Give a gateway that the tests of a module share."""
    yield from _gateway(tmp_path_factory.mktemp("gateway"))


def terminate(process: subprocess.Popen[bytes] | None) -> None:
    """Ask a process to end."""
    assert process is not None
    process.send_signal(signal.SIGTERM)
