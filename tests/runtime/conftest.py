"""Hosts for attempts: a real spawner, as this user and (for root) as an ordinary one, and ways to wait."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import pytest

from bucle.runtime import folder, hints, isolated, spawning
from bucle.runtime.acts import SECRET, SECRET_VARIABLE
from bucle.runtime.attempt import Alive, AttemptSpec, Exit, Isolation, Run

Who = Literal["this_user", "ordinary_user"]
NOBODY = 65534
PATIENCE_S = 60.0
SYSTEM_PYTHON = Path("/usr/bin/python3")


class Spawns(Protocol):
    """What a host needs of a spawner."""

    def spawn(self, folder: Path) -> None:
        """Hand it one attempt folder."""

    def close(self) -> None:
        """End it."""


class OrdinarySpawner:
    """The real spawner process, started by root as nobody with an interpreter that nobody may execute."""

    def __init__(self, notify: str) -> None:
        command = isolated.command("bucle.runtime.spawner:serve", notify, python=str(SYSTEM_PYTHON))
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen([*as_nobody(), *command], stdin=theirs.fileno(), env={})

    def spawn(self, folder: Path) -> None:
        """Hand it one attempt folder."""
        self._orders.send(bytes(folder))

    def close(self) -> None:
        """End it."""
        self._orders.close()
        self._process.wait()


@dataclass(kw_only=True)
class Host:
    """One spawner, its attempts, and a folder of its user's."""

    who: Who
    root: Path
    notify: socket.socket
    spawner: Spawns
    folders: list[Path] = field(default_factory=list)

    @property
    def uid(self) -> int:
        """The user that attempts run as."""
        return NOBODY if self.who == "ordinary_user" else os.getuid()

    def make(self, name: str) -> Path:
        """Make a folder that belongs to the host's user."""
        made = self.root / name
        made.mkdir(parents=True)
        own(made, self.uid)
        return made

    def order(self, spec: AttemptSpec) -> Path:
        """Write an attempt's order and return its folder; nothing is spawned."""
        made = self.root / "attempts" / f"a{len(self.folders)}"
        folder.write_spec(made, spec)
        for path in (made, made / "spec.json"):
            own(path, self.uid)
        self.folders.append(made)
        return made

    def start(self, spec: AttemptSpec) -> Path:
        """Order an attempt and have it spawned."""
        made = self.order(spec)
        self.spawner.spawn(made)
        return made

    def run(self, spec: AttemptSpec) -> Exit:
        """Return how an attempt ended."""
        return await_exit(self.start(spec))

    def outside(self, argv: Sequence[str], *, careless: bool = False) -> int:
        """Return the exit status of `argv` run as the host's user with no walls at all.

        A careless parent passes on a secret in the environment and an open descriptor.
        """
        prefix = as_nobody() if self.who == "ordinary_user" else []
        with Path(os.devnull).open() as inherited:
            environment = {**os.environ, SECRET_VARIABLE: SECRET} if careless else None
            passed = [inherited.fileno()] if careless else []
            done = subprocess.run([*prefix, *argv], check=False, timeout=PATIENCE_S, env=environment, pass_fds=passed)
        return done.returncode


def as_nobody() -> list[str]:
    """Return the command prefix by which root runs a program as nobody."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def own(path: Path, uid: int) -> None:
    """Give `path` to the user."""
    if os.getuid() == 0:
        os.chown(path, uid, -1)


def interpreter() -> tuple[str, tuple[str, ...]]:
    """Return a Python for user code, and what it needs to read beside the system."""
    if SYSTEM_PYTHON.exists():
        return str(SYSTEM_PYTHON), ()
    return sys.executable, (sys.prefix, sys.base_prefix)


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs `code` in Python."""
    return (interpreter()[0], "-I", "-S", "-c", code, *arguments)


def shell(script: str, **rest: object) -> AttemptSpec:
    """Return the order to run `script` in a shell, unconfined unless told otherwise."""
    return spec_of(("/bin/sh", "-c", script), **rest)


def spec_of(argv: Sequence[str], **rest: object) -> AttemptSpec:
    """Return the order to run `argv`, unconfined unless told otherwise."""
    given: dict[str, object] = {"env": {}, "cwd": "/", "isolation": Isolation(mode="none"), "grace_s": 5.0}
    return AttemptSpec(argv=tuple(argv), **{**given, **rest})  # type: ignore[arg-type]  # typed where it is called


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds`; fail naming `what` when it never does."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, f"never came true: {what}"
        time.sleep(0.01)


def await_exit(path: Path) -> Exit:
    """Wait until an attempt has ended; return how."""
    await_true(lambda: isinstance(folder.probe(path), Exit), f"{path} has ended")
    found = folder.probe(path)
    assert isinstance(found, Exit)
    return found


def await_user_code(path: Path) -> Run:
    """Wait until an attempt's user code has been forked; return who runs it."""

    def run() -> Run | None:
        state = folder.probe(path)
        return state.run if isinstance(state, Alive) and state.run and state.run.user_pid else None

    await_true(lambda: run() is not None, f"{path} runs user code")
    found = run()
    assert found is not None
    return found


def log_of(path: Path) -> str:
    """Return what user code printed."""
    return (path / "out.log").read_text()


def is_running(pid: int) -> bool:
    """Return whether a process lives; one that is dead and unburied does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def root() -> Iterator[Path]:
    """Give a folder with a short path (unix sockets) that another user can reach (pytest's own are 0700)."""
    made = Path(tempfile.mkdtemp(prefix="bucle-", dir="/tmp"))
    made.chmod(0o755)
    yield made

    def gone() -> bool:
        shutil.rmtree(made, ignore_errors=True)  # a twin that lost may still be looking for the lock
        return not made.exists()

    await_true(gone, f"{made} is removed")


@pytest.fixture
def notify() -> Iterator[socket.socket]:
    """Give the server's end of the datagram socket."""
    with hints.listen() as receiver:
        receiver.settimeout(PATIENCE_S)
        yield receiver


def _host(who: Who, root: Path, notify: socket.socket) -> Iterator[Host]:
    (root / "attempts").mkdir()
    spawner: Spawns
    if who == "ordinary_user":
        spawner = OrdinarySpawner(hints.name_of(notify))
    else:
        spawner = spawning.Spawner(notify=hints.name_of(notify), log=root / "spawner.log")
    host = Host(who=who, root=root, notify=notify, spawner=spawner)
    own(root, host.uid)
    yield host
    spawner.close()
    for path in host.folders:
        state = folder.probe(path)
        if isinstance(state, Alive) and state.run is not None:
            os.kill(state.run.supervisor_pid, signal.SIGKILL)
        folder.reap(path)


@pytest.fixture
def host(root: Path, notify: socket.socket) -> Iterator[Host]:
    """Give a host of this user's."""
    yield from _host("this_user", root, notify)


@pytest.fixture(params=["this_user", "ordinary_user"])
def any_host(request: pytest.FixtureRequest, root: Path, notify: socket.socket) -> Iterator[Host]:
    """Give a host of this user's, then, for root, one of an ordinary user's."""
    if request.param == "ordinary_user":
        if os.getuid() != 0:
            pytest.skip("this user is an ordinary one already")
        package = str(Path(spawning.__file__).parent)
        reachable = [*as_nobody(), "test", "-r", package]
        if not SYSTEM_PYTHON.exists() or subprocess.run(reachable, check=False).returncode != 0:
            pytest.skip(f"nobody can execute no Python here, or cannot read {package}")
    yield from _host(request.param, root, notify)
