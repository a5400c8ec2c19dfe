"""Secrets of an attempt: from the server to user code by memory alone, and not through the log."""

import os
import signal
from pathlib import Path

from bucle.runtime.spawning import Spawner
from tests.runtime.conftest import Host, await_exit, await_true, is_running, log_of, shell

VALUE = "a value that nobody may see"


def _files_with(root: Path, text: str) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def _spawner(host: Host) -> Spawner:
    assert isinstance(host.spawner, Spawner)
    return host.spawner


def test_user_code_has_it_and_no_file_does(host: Host) -> None:
    """User code compares it with what it should be; its log reads `***`, and of the attempt's files none holds it."""
    script = 'echo "got $A and $B"; [ "${#LONG}" = 65536 ] && echo long; printf %s "$A" > written'
    place = host.make("work")
    path = host.order(shell(script, env={"B": "plain"}, cwd=str(place), sealed=("A", "LONG")))
    _spawner(host).spawn(path, {"A": VALUE, "LONG": "x" * 65536})
    assert await_exit(path).why == "ok"
    assert log_of(path) == "got *** and plain\nlong\n"
    assert (place / "written").read_text() == VALUE
    assert _files_with(host.root, VALUE) == ["written"]


def test_order_without_its_secrets(host: Host) -> None:
    """An attempt whose secrets did not come with it runs nothing, and says which."""
    path = host.order(shell("echo ran", sealed=("A",)))
    host.spawner.spawn(path)
    ended = await_exit(path)
    assert (ended.why, ended.reason, ended.detail) == ("failed", "secrets_missing", "it came without its secrets: A")


def test_spawner_that_died(host: Host) -> None:
    """A new one is started for the next order, and hands its secrets on."""
    first = host.order(shell('test -n "$A"', sealed=("A",)))
    _spawner(host).spawn(first, {"A": VALUE})
    assert await_exit(first).why == "ok"
    pid = _spawner(host).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await_true(lambda: not is_running(pid), "the spawner is dead")
    second = host.order(shell('test -n "$A"', sealed=("A",)))
    _spawner(host).spawn(second, {"A": VALUE})
    assert await_exit(second).why == "ok"


def test_descriptors_of_secrets_are_let_go(host: Host) -> None:
    """Neither the spawner nor we keep what was handed over."""
    path = host.order(shell("true", sealed=("A",)))
    _spawner(host).spawn(path, {"A": VALUE})
    assert await_exit(path).why == "ok"
    for pid in (os.getpid(), _spawner(host).pid):
        held = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
        assert [target for target in held if "memfd" in target] == []
