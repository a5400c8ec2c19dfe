"""A server's life: up, down, the one lock of a folder, ports, a foreign host, a schema from the future."""

import os
import signal
import socket
import sqlite3
import stat
import time
from pathlib import Path

import httpx2

from tests.conftest import Installation, in_a_file


def test_up_status_down(installation: Installation) -> None:
    """`up` returns when the server answers, `status` finds it, `down` leaves nothing running; twice over."""
    for _ in range(2):
        installation.up()
        assert installation.bucle("status", "-o", "json").code == 0
        pid = installation.pid
        assert installation.bucle("down").code == 0
        assert installation.bucle("status").code == 7
        _gone(pid)


@in_a_file
def test_second_server_is_refused(installation: Installation) -> None:
    """A second server on a folder exits 5 and names the first; the first goes on."""
    installation.up()
    second = installation.bucle("up", "--port", "0")
    assert (second.code, str(installation.pid) in second.err) == (5, True)
    assert installation.bucle("status").code == 0


def test_lock_of_a_killed_server_is_free(installation: Installation) -> None:
    """After kill -9 the folder can be used at once: the lock is the kernel's, not a file's."""
    installation.up()
    os.kill(installation.pid, signal.SIGKILL)
    installation.up()
    assert installation.bucle("status").code == 0


def test_nothing_is_left_beside_the_state_folder(installation: Installation, tmp_path: Path) -> None:
    """A server that was killed, and one that was stopped, leave nothing in the folder of temporary files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for _ in range(2):
        assert installation.bucle("up", "--port", "0", env={"TMPDIR": str(scratch)}).code == 0
        os.kill(installation.pid, signal.SIGKILL)
    assert installation.bucle("up", "--port", "0", env={"TMPDIR": str(scratch)}).code == 0
    assert installation.bucle("down").code == 0
    assert list(scratch.iterdir()) == []


def test_taken_port_is_refused(installation: Installation) -> None:
    """A port that somebody has gives exit 5 and the flag that helps; a free one works."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = installation.bucle("up", "--port", port)
    assert (refused.code, port in refused.err, "--port" in refused.err) == (5, True, True)
    assert installation.bucle("up", "--port", port).code == 0


@in_a_file
def test_secrets_are_the_owners_alone(installation: Installation) -> None:
    """Folder, keys, token and records can be read by their owner only."""
    installation.up()
    home = installation.home
    for path in (home, home / "keys.json", home / "admin-token", home / "records.db"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_foreign_host_is_refused(installation: Installation) -> None:
    """A rebound DNS name gets nothing, not even health; loopback's names do."""
    installation.up()
    url = f"{installation.address}/api/v1/health"
    port = installation.address.rpartition(":")[2]
    assert httpx2.get(url, headers={"Host": f"localhost:{port}"}).status_code == 200
    refused = httpx2.get(url, headers={"Host": f"evil.example:{port}"})
    assert (refused.status_code, refused.json()["code"]) == (421, "sign_in.bad_host")


@in_a_file
def test_records_of_a_newer_version_are_refused(installation: Installation) -> None:
    """Records that a newer bucle wrote are left as they are, with the reason."""
    installation.up()
    installation.bucle("down")
    with sqlite3.connect(installation.home / "records.db") as records:
        records.execute("UPDATE alembic_version SET version_num = '9999'")
    refused = installation.bucle("up", "--port", "0")
    assert (refused.code, "9999" in refused.err) == (5, True)


def test_requests_without_a_token_say_so(installation: Installation) -> None:
    """Nobody is anybody, even on loopback: 401 with the way in; the administrator's token opens."""
    installation.up()
    url = f"{installation.address}/api/v1/whoami"
    allowed = httpx2.get(url, headers={"Authorization": f"Bearer {installation.token}"})
    refused = httpx2.get(url)
    assert (allowed.status_code, allowed.json()["name"]) == (200, "admin")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in.nobody")


def test_log_tells_nothing_of_our_own_requests(installation: Installation) -> None:
    """The server asks the gateway, which answers, and no line of its log says so; what else happens stands there."""
    installation.up()
    url, headers = f"{installation.address}/api/v1", {"Authorization": f"Bearer {installation.token}"}
    endpoints = f"{url}/stages/dev/online-endpoints"
    assert httpx2.post(endpoints, headers=headers, json={"name": "car"}).status_code == 201
    assert httpx2.post(f"{endpoints}/car:invoke", headers=headers, json={}).status_code == 503
    log = (installation.home / "log" / "server.log").read_text()
    assert ("bucle" in log or "uvicorn" in log, "/dev/car/score" in log) == (True, False)


def _gone(pid: int) -> None:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(pid)
