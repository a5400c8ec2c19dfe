"""System calls that fail: what may have been done is answered as unknown, and asked again is done once."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.faults.conftest import Ledger, job
from tests.faults.house import House, await_true
from tests.faults.load import DEV, STORE

ATTACH_S = 20.0
RECORDS = [
    ("pwrite64", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("fdatasync", "EIO"),
]
"""The write-ahead log cannot grow; cannot be written; was written, and nobody knows whether it is on the disk."""


@contextmanager
def failing(pid: int, call: str, error: str, path: Path | None, *, times: str = "1+") -> Iterator[None]:
    """Have a system call of a process and all its threads fail, on one file or on all; skip where strace cannot.

    A `rename` is for all: strace compares a path with its source only, which has a name that nobody can foresee.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not there; `scripts/install_tools.sh` installs it")
    command = ["strace", "-f", "-p", str(pid), *(("-P", str(path)) if path else ()), "-e", f"trace={call}", "-e"]
    tracing = subprocess.Popen(
        [*command, f"inject={call}:error={error}:when={times}"], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert tracing.stderr is not None
    with tracing.stderr as told:
        line = told.readline()
        while "Requested path" in line:  # it resolves the path and says so
            line = told.readline()
        if "attached" not in line:
            tracing.wait()
            pytest.skip(f"strace may not trace here: {line}")
        try:
            yield
        finally:
            tracing.send_signal(signal.SIGINT)
            told.read()
            tracing.wait()


def send(house: House, method: str, path: str, key: str | None = None, **more: Any) -> httpx2.Response:
    """Send one request, once."""
    headers = {"Authorization": f"Bearer {house.installation.token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return httpx2.request(method, f"{house.installation.address}{path}", headers=headers, timeout=60, **more)


def make_service(house: House, name: str) -> httpx2.Response:
    """Ask for a service under a key of its own, as often as one likes."""
    body = {"name": name, "kind": "service", "owner": "admin"}
    return send(house, "POST", "/api/v1/principals", f"key of {name}", json=body)


def services(house: House) -> list[str]:
    """Return the names of all principals, and see that each came into being once and the chain is whole."""
    with house.installation.client() as client:
        names = [one["name"] for one in client.principal.list()]
        assert client.audit.verify()["intact"]
        made = [line["subject"] for line in client.audit.list() if line["what"] == "principals/create"]
    assert len(made) == len(set(made))
    return names


@pytest.mark.parametrize(("call", "error"), RECORDS)
def test_records_that_cannot_be_written(house: House, call: str, error: str) -> None:
    """A commit that fails is answered 503 as not known; reading goes on; the same request later gives one result."""
    name = f"service-{call}-{error}".lower()
    assert make_service(house, f"before-{name}").status_code == 201
    with failing(house.pid, call, error, house.home / "records.db-wal"):
        refused = make_service(house, name)
        assert (refused.status_code, refused.json()["code"]) == (503, "store.failing"), refused.text
        assert "is not known" in refused.json()["hint"]
        assert send(house, "GET", "/api/v1/principals").is_success
        assert send(house, "GET", "/api/v1/health").is_success
    assert make_service(house, name).is_success
    assert services(house).count(name) == 1
    house.kill_server()
    house.start()
    assert make_service(house, name).is_success
    assert services(house).count(name) == 1


def test_killed_after_a_sync_that_failed(house: House) -> None:
    """Killed before anybody could ask again: the act is whole or absent, and asked again it is done once."""
    with failing(house.pid, "fdatasync", "EIO", house.home / "records.db-wal"):
        assert make_service(house, "unknown").status_code == 503
    house.kill_server()
    house.start()
    assert services(house).count("unknown") in {0, 1}
    assert make_service(house, "unknown").is_success
    assert services(house).count("unknown") == 1


@pytest.mark.parametrize(("call", "error"), [("fsync", "EIO"), ("rename", "ENOSPC"), ("rename", "EIO")])
def test_bytes_that_cannot_be_kept(house: House, call: str, error: str) -> None:
    """An upload that fails on its way is told so, nothing of it is visible, and sent again it is whole."""
    content = f"{call} {error}".encode()
    digest = "sha256:" + sha256(content).hexdigest()
    arrived = house.home / "datastores" / "dev" / "workspaceblobstore" / "arrived"
    arrived.mkdir(parents=True, exist_ok=True)
    with failing(house.pid, call, error, arrived if call == "fsync" else None):
        refused = send(house, "PUT", f"{STORE}/{digest}", content=content)
        assert (refused.status_code, refused.json()["code"]) == (500, "store.full"), refused.text
        assert send(house, "GET", "/api/v1/health").is_success
    assert [one.name for one in arrived.iterdir() if one.name.startswith(".")] == []
    assert send(house, "PUT", f"{STORE}/{digest}", content=content).is_success
    assert (arrived / digest.removeprefix("sha256:")).read_bytes() == content


def test_a_table_that_cannot_be_written(house: House) -> None:
    """An endpoint that was committed is answered so; the gateway follows as soon as there is room for the table."""
    with failing(house.pid, "rename", "ENOSPC", None):
        made = send(house, "POST", f"{DEV}/online-endpoints", "endpoint new", json={"name": "new"})
        assert (made.status_code, made.json()["name"]) == (201, "new"), made.text
        assert "new" not in routed(house)
    await_true(lambda: "new" in routed(house), "the table is written")
    await_true(lambda: house.read("applied")["generation"] == house.read("routes")["generation"], "it is followed")


def routed(house: House) -> list[str]:
    """Return the endpoints that the gateway is told of."""
    return [endpoint["name"] for endpoint in house.read("routes").get("endpoints", ())]


@pytest.mark.parametrize(
    ("file", "call", "reason"),
    [("out.log", "write", "a part of its log was not kept: Input/output error"), (".exit.json", "fsync", None)],
)
def test_a_job_whose_files_fail(house: House, ledger: Ledger, file: str, call: str, reason: str | None) -> None:
    """A log that cannot be written costs the log; a report that cannot be is written when it can: the job ran once."""
    name, go = f"fails-{file.strip('.')}".replace(".", "-"), ledger.folder / "go"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.02; done; echo last words"
    assert send(house, "POST", f"{DEV}/jobs", name, json=job(command, name)).is_success
    await_true(lambda: len(ledger.lines) == 1, "user code runs")
    ((pid, place),) = house.supervisors().items()
    with failing(pid, call, "EIO", place / file, times="1..2"):
        go.touch()
        with house.installation.client() as client:
            step = client.job.wait(name)["steps"][-1]
    assert (step["status"], step["exit_code"], step["attempts"], step["reason"]) == ("completed", 0, 1, reason)
    assert len(ledger.lines) == 1


def test_the_instrument(house: House) -> None:
    """Without a failing call the same request succeeds at once: it is the call that makes it fail."""
    began = time.monotonic()
    assert make_service(house, "control").status_code == 201
    assert time.monotonic() - began < ATTACH_S
