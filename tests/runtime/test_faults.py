"""Faults: whatever is killed, and whenever, an attempt runs at most once and ends in one state."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bucle.runtime import folder, hints, linux
from bucle.runtime.attempt import Alive, Exit, Isolation, Lost, Mode, Unclaimed
from bucle.runtime.landlock import landlock_abi
from bucle.runtime.spawning import Spawner
from tests.runtime.conftest import (
    Host,
    await_exit,
    await_true,
    await_user_code,
    is_running,
    log_of,
    shell,
)

TWINS = 60
NEEDS_LANDLOCK = pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")


def ledger_of(host: Host) -> list[str]:
    """Return the lines that executions of user code left behind, outside their attempt folders."""
    ledger = host.root / "ledger"
    return ledger.read_text().split() if ledger.exists() else []


def writes(host: Host, word: str, then: str = "") -> str:
    """Return a script that leaves a line in the ledger."""
    return f"echo {word} >> {host.root}/ledger; {then}"


def supervisors(host: Host) -> list[int]:
    """Return the children of the host's spawner."""
    assert isinstance(host.spawner, Spawner)
    pid = host.spawner.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold an attempt's lock."""
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


@pytest.mark.parametrize("mode", ["none", pytest.param("auto", marks=NEEDS_LANDLOCK)])
def test_killed_supervisor_takes_user_code_with_it(any_host: Host, mode: Mode) -> None:
    """When the supervisor is killed, user code dies, the attempt is lost, the reaper gets what daemonised."""
    script = "(setsid sleep 600 & echo $! > $HOME/kin); echo ready; exec sleep 600"
    path = any_host.start(shell(script, isolation=Isolation(mode=mode)))
    run = await_user_code(path)
    await_true(lambda: (path / "out.log").exists() and log_of(path) == "ready\n", "the daemon runs")
    kin = int((path / "home/kin").read_text())

    os.kill(run.supervisor_pid, signal.SIGKILL)

    await_true(lambda: not is_running(run.user_pid or 0), "user code is dead")
    await_true(lambda: folder.probe(path) == Lost(), "the attempt is lost")
    assert is_running(kin)
    assert folder.reap(path) == 1
    await_true(lambda: not is_running(kin), "the daemon is dead")
    assert folder.reap(path) == 0
    assert not folder.cancel(path)


def test_reaping_spares_other_attempts(host: Host) -> None:
    """Reaping one attempt touches no process of another, even one whose folder's name begins alike."""
    folders = [host.order(shell("sleep 600")) for _ in range(11)]
    other = folders[10]
    host.spawner.spawn(other)
    run = await_user_code(other)

    assert folder.reap(folders[1]) == 0

    assert run.user_pid is not None
    assert is_running(run.user_pid)


def test_twins_of_one_attempt(host: Host) -> None:
    """Of sixty supervisors started for one attempt by three spawners, one runs it."""
    path = host.order(shell(writes(host, "x", "sleep 0.2")))
    with ExitStack() as stack:
        spawners = [
            stack.enter_context(Spawner(notify=hints.name_of(host.notify), log=host.root / "log")) for _ in range(3)
        ]
        for turn in range(TWINS):
            spawners[turn % 3].spawn(path)

    assert await_exit(path).why == "ok"
    assert ledger_of(host) == ["x"]
    assert not (host.root / "log").read_text()


def test_twins_of_many_attempts(host: Host) -> None:
    """Fifty attempts, each handed to three spawners at once, run once each."""
    paths = [host.order(shell(writes(host, f"a{number}"))) for number in range(50)]
    with ExitStack() as stack:
        spawners = [
            stack.enter_context(Spawner(notify=hints.name_of(host.notify), log=host.root / "log")) for _ in range(3)
        ]
        for path in paths:
            for spawner in spawners:
                spawner.spawn(path)

    assert {await_exit(path).why for path in paths} == {"ok"}
    assert sorted(ledger_of(host)) == sorted(f"a{number}" for number in range(50))


def test_spawner_killed(host: Host) -> None:
    """A killed spawner is replaced at the next attempt; the attempts it had started go on."""
    assert isinstance(host.spawner, Spawner)
    first = host.start(shell(f"while ! test -e {host.root}/go; do sleep 0.02; done"))
    await_user_code(first)
    killed = host.spawner.pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)
    await_true(lambda: not is_running(killed), "the spawner is dead")
    second = host.start(shell(writes(host, "second")))

    assert await_exit(second).why == "ok"
    assert host.spawner.pid != killed
    assert isinstance(folder.probe(first), Alive)
    (host.root / "go").touch()
    assert await_exit(first).why == "ok"


def test_spawner_killed_again_and_again(host: Host) -> None:
    """Whatever a dying spawner swallowed stays unclaimed, and spawned again runs once."""
    assert isinstance(host.spawner, Spawner)
    paths = []
    for number in range(20):
        if host.spawner.pid is not None:
            os.kill(host.spawner.pid, signal.SIGKILL)
        paths.append(host.start(shell(writes(host, f"a{number}"))))

    def ended() -> bool:
        unclaimed = [path for path in paths if folder.probe(path) == Unclaimed()]
        for path in unclaimed:
            host.spawner.spawn(path)
        return all(isinstance(folder.probe(path), Exit) for path in paths)

    await_true(ended, "all have ended")
    assert sorted(ledger_of(host)) == sorted(f"a{number}" for number in range(20))


def test_server_gone(host: Host) -> None:
    """When the server's end of the pipe closes the spawner ends; supervisors live on, and report."""
    path = host.start(shell(f"while ! test -e {host.root}/go; do sleep 0.02; done; exit 5"))
    await_user_code(path)

    host.spawner.close()
    host.notify.close()

    assert isinstance(folder.probe(path), Alive)
    (host.root / "go").touch()
    assert await_exit(path).rc == 5


def test_supervisor_killed_before_the_claim(host: Host) -> None:
    """Killed while it waits for the lock, a supervisor leaves the attempt unclaimed, to be spawned again."""
    path = host.order(shell(writes(host, "x")))
    with held(path):
        host.spawner.spawn(path)
        await_true(lambda: len(supervisors(host)) == 1, "a supervisor waits")
        os.kill(supervisors(host)[0], signal.SIGKILL)
        await_true(lambda: not supervisors(host), "it is dead")
    assert folder.probe(path) == Unclaimed()

    host.spawner.spawn(path)

    assert await_exit(path).why == "ok"
    assert ledger_of(host) == ["x"]


def test_supervisor_killed_after_the_claim(host: Host) -> None:
    """Killed between claim and user code, it leaves a lost attempt that never ran.

    Its order is a pipe that nobody feeds, so that it stays there.
    """
    path = host.order(shell(writes(host, "x")))
    (path / "spec.json").unlink()
    os.mkfifo(path / "spec.json")
    host.spawner.spawn(path)
    await_true((path / "claim").exists, "the attempt is claimed")
    assert folder.probe(path) == Alive(run=None)

    os.kill(supervisors(host)[0], signal.SIGKILL)

    await_true(lambda: folder.probe(path) == Lost(), "the attempt is lost")
    host.spawner.spawn(path)
    assert host.run(shell("true")).why == "ok"
    assert (folder.probe(path), ledger_of(host)) == (Lost(), [])


def test_supervisor_killed_before_its_report(host: Host) -> None:
    """Killed between user code's end and its report, it leaves a lost attempt that ran once.

    The draft of the report is a pipe that nobody reads, so that it stays there.
    """
    path = host.start(shell(writes(host, "x", "mkfifo $BUCLE_ATTEMPT/.exit.json")))
    await_true((path / ".exit.json").exists, "user code has run")
    run = await_user_code(path)
    assert run.user_pid is not None
    await_true(lambda: not Path(f"/proc/{run.user_pid}").exists(), "user code is buried")

    os.kill(run.supervisor_pid, signal.SIGKILL)

    await_true(lambda: folder.probe(path) == Lost(), "the attempt is lost")
    host.spawner.spawn(path)
    assert host.run(shell("true")).why == "ok"
    assert (folder.probe(path), ledger_of(host)) == (Lost(), ["x"])


def test_full_disk_delays_a_report(host: Host) -> None:
    """A report that finds no room is written when there is some; until then the attempt counts as alive."""
    path = host.start(shell(writes(host, "x", "ln -s /dev/full $BUCLE_ATTEMPT/.exit.json")))
    await_true(lambda: "No space left" in (host.root / "spawner.log").read_text(), "the disk is full")
    assert isinstance(folder.probe(path), Alive)

    (path / ".exit.json").unlink()

    assert await_exit(path).why == "ok"
    assert ledger_of(host) == ["x"]


def test_report_cut_short(host: Host) -> None:
    """A report that a loss of power emptied is no report: the attempt is lost."""
    path = host.start(shell("true"))
    whole = await_exit(path)
    await_true(lambda: not supervisors(host), "its supervisor has ended")
    content = (path / "exit.json").read_bytes()

    for kept in (0, 1, len(content) // 2, len(content) - 3):
        (path / "exit.json").write_bytes(content[:kept])
        assert folder.probe(path) == Lost()

    (path / "exit.json").write_bytes(content)
    assert folder.probe(path) == whole


def test_stopped_supervisor_is_alive(host: Host) -> None:
    """A supervisor that is stopped, not dead, keeps its attempt: nobody else may run it."""
    path = host.start(shell(writes(host, "x", f"while ! test -e {host.root}/go; do sleep 0.02; done")))
    run = await_user_code(path)
    os.kill(run.supervisor_pid, signal.SIGSTOP)
    (host.root / "go").touch()

    assert isinstance(folder.probe(path), Alive)
    host.spawner.spawn(path)
    assert host.run(shell("true")).why == "ok"

    os.kill(run.supervisor_pid, signal.SIGCONT)
    assert await_exit(path).why == "ok"
    assert ledger_of(host) == ["x"]


def test_out_of_memory_takes_user_code_first(host: Host) -> None:
    """The kernel prefers user code to its supervisor when memory runs out."""
    path = host.start(shell("cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj"))
    await_exit(path)
    user, supervisor = map(int, log_of(path).split())
    assert user == min(supervisor + 500, 1000)


def test_run_says_who_runs(host: Host) -> None:
    """The pid, start time and boot in run.json are those that `ps` and the kernel tell of the supervisor."""
    path = host.start(shell("echo $PPID; sleep 600"))
    run = await_user_code(path)
    await_true(lambda: (path / "out.log").read_text().endswith("\n"), "user code has spoken")

    assert run.supervisor_pid == int(log_of(path))
    assert run.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert linux.start_time(run.supervisor_pid) == run.supervisor_start
    assert not isinstance(folder.probe(path), Exit)


def test_no_end_is_missed(host: Host) -> None:
    """An end between two looks wakes the supervisor: of many short attempts that print as they end, none hangs."""
    orders = [shell("echo last words", timeout_s=None) for _ in range(150)]
    started = time.monotonic()
    assert {host.run(order).why for order in orders} == {"ok"}
    assert time.monotonic() - started < 60
