"""Jobs that take all they can get: each ends in one state, others run beside it, and nothing of it is left."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bucle.client import Client
from bucle.runtime import folder
from bucle.runtime.attempt import DEFAULT_LOG_LIMIT_BYTES, Alive
from tests.conftest import Installation
from tests.faults.conftest import PATIENCE_S, Ledger, await_true, job, submit

FLOOD_BYTES = 1 << 30
CHILDREN = 2000
ATTEMPTS_OF_POISON = 2
"""The first, and the one more that a lost supervisor is allowed."""
FORK = """
import os, pathlib, time
for number in range({children}):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
pathlib.Path("{forked}").touch()
time.sleep(3)
"""
DAEMONISE = """
import os, pathlib, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        pathlib.Path("{daemon}").write_text(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not pathlib.Path("{daemon}").exists():
    time.sleep(0.01)
"""
BOMB = """
import os, time
for _ in range(12):
    if os.fork() == 0:
        os.setsid()
time.sleep(600)
"""
"""Doubles twelve times: 4096 processes, each in a session of its own, would there be no limit."""
SHARING = """
import os, time
kept = bytearray(os.urandom(1 << 20)) * 100
for _ in range(3):
    os.fork()
time.sleep(1)
"""
HOG = """
kept = []
while True:
    kept.append(b"x" * (16 << 20))
"""


@pytest.fixture(scope="module")
def client(warm: Installation) -> Iterator[Client]:
    """Give a client of the folder in which the environment is built, its server running."""
    warm.up()
    with warm.client() as made:
        yield made


def test_log_flood(warm: Installation, client: Client, ledger: Ledger) -> None:
    """1 GiB of output as fast as it goes is cut at the limit, in a line that says so; the disk keeps no more."""
    _run_beside(warm, client, "flood", f"{ledger.command}; yes | head -c {FLOOD_BYTES}")
    step = _only_end(client, "flood")
    assert (step["status"], step["exit_code"], step["attempts"]) == ("completed", 0, 1)
    last = client.job.log("flood", offset=DEFAULT_LOG_LIMIT_BYTES)
    assert last.decode() == f"\nbucle: the log is full at {DEFAULT_LOG_LIMIT_BYTES} bytes: what follows is not kept\n"
    assert client.job.log("flood", offset=DEFAULT_LOG_LIMIT_BYTES - 4) == b"y\ny\n" + last
    kept = sum(one.stat().st_blocks * 512 for one in Path(ledger.lines[0]).rglob("*") if one.is_file())
    assert kept < DEFAULT_LOG_LIMIT_BYTES * 1.1
    _assert_nothing_left(ledger)


def test_short_log_is_whole(warm: Installation, client: Client) -> None:
    """What stays within the limit is kept to the byte, and no line of ours is in it."""
    assert submit(warm, job("yes | head -c 3000000", "short"), "short") is not None
    assert client.job.wait("short")["status"] == "completed"
    offset, found = 0, b""
    while piece := client.job.log("short", offset=offset):
        found, offset = found + piece, offset + len(piece)
    assert found == b"y\n" * 1_500_000


def test_fork_without_end(warm: Installation, client: Client, ledger: Ledger) -> None:
    """A job that leaves 2,000 children sleeping is over when it ends: none of them outlives it."""
    forked = ledger.folder / "forked"
    code = FORK.format(children=CHILDREN, forked=forked)
    assert submit(warm, job(_python(ledger, code), "forks"), "forks") is not None
    await_true(forked.exists, "it has forked")
    assert len(_running_in(ledger)) >= CHILDREN
    _run_beside(warm, client, "beside-forks", "true")
    step = _only_end(client, "forks")
    assert (step["status"], step["exit_code"], step["attempts"]) == ("completed", 0, 1)
    _assert_nothing_left(ledger)


def test_daemon(warm: Installation, client: Client, ledger: Ledger) -> None:
    """What a job starts in a session of its own, two forks away, ends with the job."""
    daemon = ledger.folder / "daemon"
    _run_beside(warm, client, "daemon", _python(ledger, DAEMONISE.format(daemon=daemon)))
    step = _only_end(client, "daemon")
    assert (step["status"], step["exit_code"], step["attempts"]) == ("completed", 0, 1)
    assert not Path(f"/proc/{daemon.read_text()}").exists()
    _assert_nothing_left(ledger)


def test_memory_hog(warm: Installation, client: Client, ledger: Ledger) -> None:
    """A job that meets the limit its own shell sets fails; where none is set, the kernel takes it before the server."""
    command = f"{ledger.command}; cat /proc/self/oom_score_adj; ulimit -v 600000; exec {_inline(HOG)}"
    _run_beside(warm, client, "hog", command)
    step = _only_end(client, "hog")
    assert (step["status"], step["exit_code"], step["attempts"]) == ("failed", 1, 1)
    told = client.job.log("hog").decode()
    assert "MemoryError" in told
    assert int(told.split()[0]) > int(Path(f"/proc/{warm.pid}/oom_score_adj").read_text())
    _assert_nothing_left(ledger)


def test_memory_beyond_what_was_declared(warm: Installation, client: Client, ledger: Ledger) -> None:
    """A hog of several processes is ended at the limit of its job and told by how much; its neighbour completes."""
    code = "import os\nos.fork()\n" + HOG
    _run_beside(warm, client, "declared", _python(ledger, code), docker_args="--memory 200m")
    step = _only_end(client, "declared")
    assert (step["status"], step["exit_code"], step["attempts"]) == ("failed", -9, 1)
    assert step["reason"].startswith("it used ")
    assert step["reason"].endswith(" MiB of memory, of 200 MiB that it may")
    assert f"bucle: {step['reason']}" in client.job.log("declared").decode()
    _assert_nothing_left(ledger)


def test_memory_that_is_shared_counts_once(warm: Installation, client: Client, ledger: Ledger) -> None:
    """Eight processes that share 100 MB of pages use 100 MB, not 800: they complete within 300."""
    _run_beside(warm, client, "sharing", _python(ledger, SHARING), docker_args="--memory 300m")
    step = _only_end(client, "sharing")
    assert (step["status"], step["reason"]) == ("completed", None)


def test_fork_bomb(warm: Installation, client: Client, ledger: Ledger) -> None:
    """Whoever forks without end is stopped at the limit, with all that he made; the server and others go on."""
    _run_beside(warm, client, "bomb", _python(ledger, BOMB), docker_args="--pids-limit 300")
    step = _only_end(client, "bomb")
    assert (step["status"], step["attempts"]) == ("failed", 1)
    assert step["reason"].endswith(" processes and threads, of 300 that it may")
    _assert_nothing_left(ledger)


def test_poison(warm: Installation, client: Client, ledger: Ledger) -> None:
    """A job whose supervisor dies each time it starts is tried once more, then fails and says why; others go on."""
    command = f"{ledger.command}; kill -9 $PPID; sleep 600"
    assert submit(warm, job(command, "poison"), "poison") is not None
    for number in range(ATTEMPTS_OF_POISON):
        _kill_supervisor(_attempt(ledger, number))
    _run_beside(warm, client, "beside-poison", "true")
    step = _only_end(client, "poison")
    assert (step["status"], step["why"], step["attempts"]) == ("failed", "lost", ATTEMPTS_OF_POISON)
    assert step["reason"] == "its supervisor was killed"
    assert len(ledger.lines) == ATTEMPTS_OF_POISON
    _assert_nothing_left(ledger)


def _run_beside(warm: Installation, client: Client, name: str, command: str, *, docker_args: str | None = None) -> None:
    """Submit a job, and another one that must complete at its side, with the server answering."""
    resources = {} if docker_args is None else {"resources": {"docker_args": docker_args}}
    for one, words in (
        (name, {**job(command, name), **resources}),
        (f"{name}-other", job("echo other", f"{name}-other")),
    ):
        answer = submit(warm, words, one)
        assert answer is not None
        assert answer.is_success, answer.text
    assert httpx2.get(f"{warm.address}/api/v1/health", timeout=PATIENCE_S).is_success
    assert client.job.wait(f"{name}-other")["status"] == "completed"


def _only_end(client: Client, name: str) -> dict[str, Any]:
    """Wait for a job; return its step, having seen that it ended once."""
    ended = client.job.wait(name)
    told = [one for one in client.audit.list("dev") if (one["what"], one["subject"]) == ("jobs/end", f"jobs/{name}")]
    assert [one["after"] for one in told] == [{"state": ended["status"]}]
    (step,) = (one for one in ended["steps"] if one["kind"] == "command")
    return dict(step)


def _attempt(ledger: Ledger, number: int) -> Path:
    """Return the folder of an attempt once its user code runs."""
    await_true(lambda: len(ledger.lines) > number, f"attempt {number} runs")
    return Path(ledger.lines[number])


def _kill_supervisor(attempt: Path) -> None:
    """Kill it unless the job has done so itself: where Landlock scopes signals, a job cannot."""
    state = folder.probe(attempt)
    if isinstance(state, Alive) and state.run is not None:
        with suppress(ProcessLookupError):
            os.kill(state.run.supervisor_pid, signal.SIGKILL)


def _running_in(ledger: Ledger) -> Sequence[str]:
    """Return the processes that carry the name of one of the ledger's attempts in their environment."""
    tags = {f"BUCLE_ATTEMPT={line}".encode() for line in ledger.lines}
    found = []
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            if place.name.isdigit() and tags & set((place / "environ").read_bytes().split(b"\0")):
                found.append(place.name)
    return found


def _assert_nothing_left(ledger: Ledger) -> None:
    assert ledger.lines
    await_true(lambda: not _running_in(ledger), "nothing of it runs")


def _python(ledger: Ledger, code: str) -> str:
    return f"{ledger.command}; exec {_inline(code)}"


def _inline(code: str) -> str:
    return f"python -I -S - <<'CODE'\n{code}\nCODE"
