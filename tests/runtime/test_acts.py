"""Hostile acts of user code, each proven to succeed without walls, then refused within them."""

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bucle.runtime import acts, folder, landlock
from bucle.runtime.acts import ACTS, DONE, SECRET, STOPPED
from bucle.runtime.attempt import LISTENER, Isolation, Mode, Verified
from bucle.runtime.landlock import landlock_abi
from tests.runtime.conftest import (
    Host,
    as_nobody,
    await_exit,
    await_true,
    await_user_code,
    interpreter,
    log_of,
    python,
    shell,
    spec_of,
)

pytestmark = pytest.mark.skipif(landlock_abi() < 6, reason="this kernel has no Landlock that scopes signals (ABI 6)")

MODES = [
    "auto",
    pytest.param("strict", marks=pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")),
]
# A control that the machine itself refuses proves nothing, and is said so.
REFUSED_BY_SOME_HOSTS = {
    "26 enter a user namespace",
    "20 call it by multipath TCP",
    "20 call it by TCP fast open",
}
# What Landlock does not know (access.md, section 6); strict walls stop it.
OPEN_IN_AUTO = {
    "19 call the server's path socket",
    "21 send by UDP",
    "22 chmod",
    "23 stat",
    "24 list the server's descriptors",
}
# What a kernel says that refuses; strict walls also answer that there is no such thing.
REFUSALS = {"EACCES", "EPERM", "EXDEV", "EPROTONOSUPPORT", "EOPNOTSUPP", "ENOTSUP"}
ABSENCES = {"ENOENT", "ESRCH", "ECONNREFUSED", "EROFS"}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What there is to attack, untouched."""

    stage: Path
    own: Path
    environment: Path
    inputs: Path
    server: int
    name: str
    closed: int
    udp: int

    def command(self, act: str) -> tuple[str, ...]:
        """Return the command that tries `act`."""
        told = {key: value if isinstance(value, int) else str(value) for key, value in vars(self).items()}
        return acts.command(interpreter()[0], act, told)

    def untouched(self) -> bool:
        """Return whether everything is as it was laid out."""
        stage = {file.name: file.read_text() for file in self.stage.iterdir() if file.name != "s"}
        environment = {file.name: file.read_text() for file in self.environment.iterdir()}
        return stage == dict.fromkeys((".bashrc", "key", "records.db", "rows"), SECRET) and environment == {
            "module.py": SECRET
        }


@pytest.fixture
def closed() -> Iterator[int]:
    """Give the port of a listener that no order lists."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def lay_out(host: Host, name: str, server: int, closed: int, udp: int = 0) -> Scene:
    """Lay out a scene that belongs to the host's user."""
    stage, own, environment, inputs = (host.make(f"{name}/{part}") for part in ("stage", "own", "env", "in"))
    files = [stage / file for file in (".bashrc", "key", "records.db", "rows")]
    for file in (*files, environment / "module.py"):
        file.write_text(SECRET)
        if host.uid != os.getuid():
            os.chown(file, host.uid, -1)
    os.link(stage / "rows", inputs / "linked")
    return Scene(
        stage=stage,
        own=own,
        environment=environment,
        inputs=inputs,
        server=server,
        name=host.root.name,
        closed=closed,
        udp=udp,
    )


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A process of the host's user that plays the server."""

    pid: int
    closed: int
    udp: int


@pytest.fixture
def victim(any_host: Host) -> Iterator[Victim]:
    """Give a process to attack; its working directory holds rows, its path socket lies in the host's folder."""
    cwd = any_host.make("server")
    (cwd / "rows").write_text(SECRET)
    (cwd / "rows").chmod(0o644)
    prefix = as_nobody() if any_host.who == "ordinary_user" else []
    command = acts.server_command(interpreter()[0], any_host.root.name, str(cwd / "s"))
    with subprocess.Popen([*prefix, *command], cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        closed, udp = map(int, process.stdout.readline().split())
        yield Victim(pid=process.pid, closed=closed, udp=udp)
        process.kill()


def attack(host: Host, victim: Victim, name: str) -> Scene:
    """Lay out a scene round a victim."""
    scene = lay_out(host, name, victim.pid, victim.closed, victim.udp)
    os.link(host.root / "server" / "s", scene.stage / "s")
    return scene


def walls(scene: Scene, *ports: int, mode: Mode = "auto") -> Isolation:
    """Return the isolation of an honest job of this scene."""
    read = (str(scene.environment), str(scene.inputs), *interpreter()[1])
    return Isolation(mode=mode, read=read, write=(str(scene.own),), connect_tcp=ports)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("act", ACTS)
def test_act(any_host: Host, victim: Victim, act: str, mode: Mode) -> None:
    """The act succeeds for the same user without walls, and is stopped within them, leaving all untouched."""
    bare = attack(any_host, victim, "bare")
    control = any_host.outside(bare.command(act), careless=True)
    if control != DONE and act in REFUSED_BY_SOME_HOSTS:
        pytest.skip("this host refuses the act to everybody")
    assert control == DONE
    scene = attack(any_host, victim, "walled")
    open_to_it = mode == "auto" and act in OPEN_IN_AUTO

    path = any_host.start(spec_of(scene.command(act), isolation=walls(scene, mode=mode)))

    ended = await_exit(path)
    assert (ended.rc, ended.reason) == (DONE if open_to_it else STOPPED, None), log_of(path)
    if not open_to_it and not act.startswith("25"):
        assert log_of(path).strip() in (REFUSALS if mode == "auto" else REFUSALS | ABSENCES)
    assert scene.untouched()


def test_plain_cat_of_another_stage(any_host: Host, closed: int) -> None:
    """`cat` reads what it was given and gets the kernel's own refusal for another stage's file."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    command = ("cat", str(scene.environment / "module.py"), str(scene.stage / "rows"))

    path = any_host.start(spec_of(command, isolation=walls(scene)))

    assert await_exit(path).rc == 1
    assert log_of(path) == f"{SECRET}cat: {scene.stage}/rows: Permission denied\n"


@pytest.mark.parametrize("mode", MODES)
def test_listed_port_can_be_called(any_host: Host, mode: Mode) -> None:
    """A port that the order lists answers user code, also from a network of its own; to both ends it is one stream."""
    ask = "import socket, sys; c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(b'ask');"
    ask += "c.shutdown(1); print(c.makefile().read())"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        scene = lay_out(any_host, "scene", os.getpid(), port)
        path = any_host.start(spec_of(python(ask, str(port)), isolation=walls(scene, port, mode=mode)))
        listener.settimeout(20)
        with listener.accept()[0] as caller:
            assert caller.makefile("rb").read() == b"ask"
            caller.sendall(b"answer")
    assert await_exit(path).rc == 0, log_of(path)
    assert log_of(path) == "answer\n"


@pytest.mark.parametrize("mode", MODES)
def test_order_may_name_a_socket_to_listen_on(any_host: Host, mode: Mode) -> None:
    """User code finds its socket bound in the host's network; its listener is known there by the pid of run.json."""
    serve = f"import socket; s = socket.socket(fileno={LISTENER}); s.listen(); s.accept()[0].sendall(b'served')"
    name = f"{any_host.root.name}-served"
    scene = lay_out(any_host, "scene", os.getpid(), 9)
    path = any_host.start(spec_of(python(serve), isolation=walls(scene, mode=mode), listen=name))
    run = await_user_code(path)

    with socket.socket(socket.AF_UNIX) as caller:
        await_true(lambda: caller.connect_ex(f"\0{name}") == 0, "it listens")
        pid = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        assert (pid, caller.recv(6)) == (run.user_pid, b"served")


@pytest.mark.parametrize("mode", MODES)
def test_variables_reach_user_code_only(any_host: Host, mode: Mode) -> None:
    """A library to be loaded first is named to user code, and to no process that puts up its walls."""
    scene = lay_out(any_host, "scene", os.getpid(), 9)
    spec = spec_of(("/bin/true",), env={"LD_PRELOAD": "/nowhere/evil.so"}, isolation=walls(scene, mode=mode))
    path = any_host.start(spec)
    assert await_exit(path).rc == 0, log_of(path)
    assert log_of(path).count("'/nowhere/evil.so' from LD_PRELOAD cannot be preloaded") == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ending", ["exit 7", "TERM", "timeout"])
def test_endings(any_host: Host, mode: Mode, ending: str) -> None:
    """Exit status, a polite stop and a timeout come through the walls alike; nothing is left running."""
    script = "trap 'echo bye; exit 9' TERM; echo up; sleep 60 & wait" if ending == "TERM" else ending
    scene = lay_out(any_host, "scene", os.getpid(), 9)
    spec = shell("sleep 60" if ending == "timeout" else script, isolation=walls(scene, mode=mode), timeout_s=20)
    path = any_host.start(replace(spec, timeout_s=1.0) if ending == "timeout" else spec)
    if ending == "TERM":
        await_user_code(path)
        await_true(lambda: "up" in log_of(path), "user code is up")
        folder.cancel(path)

    ended = await_exit(path)

    expected = {"exit 7": ("failed", {7}), "TERM": ("canceled", {9}), "timeout": ("timeout", {-15, 143})}[ending]
    assert (ended.why, ended.rc in expected[1], ended.processes_left) == (expected[0], True, 0), ended


@pytest.mark.parametrize("mode", MODES)
def test_honest_work_goes_on(any_host: Host, closed: int, mode: Mode) -> None:
    """Within the walls: temporary files, processes, shared memory, pools, writing one's outputs, HOME."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    code = """
import multiprocessing, os, pathlib, shutil, socket, ssl, subprocess, sys, tempfile
tempfile.NamedTemporaryFile().write(b"x")
(pathlib.Path.home() / "x").write_text("x")
subprocess.run(["/bin/sh", "-c", "echo sub > /dev/null"], check=True)
with multiprocessing.get_context("fork").Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
shutil.move(tempfile.mkstemp()[1], sys.argv[1] + "/output")
socket.getaddrinfo("localhost", 80), socket.socketpair(), ssl.create_default_context()
assert not any(map(int, [l.split()[1] for l in open("/proc/self/status") if l.startswith("CapE")]))
"""
    path = any_host.start(spec_of(python(code, str(scene.own)), isolation=walls(scene, mode=mode)))
    assert await_exit(path).rc == 0, log_of(path)
    assert (scene.own / "output").exists()


def test_nothing_is_inherited(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """25: a secret in the environment or in an open descriptor reaches a plain child, not user code."""
    monkeypatch.setenv("MASTER_KEY", "canary")
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)  # noqa: FBT003  the standard library has no keyword for it
    command = ("/bin/sh", "-c", f"env; test -e /proc/self/fd/{secret} && echo leaked; ls /proc/self/fd")
    plain = subprocess.run(command, close_fds=False, check=True, capture_output=True, text=True).stdout
    assert {"MASTER_KEY=canary", "leaked"} <= set(plain.splitlines())

    path = host.start(spec_of(command, env={"GIVEN": "1"}))

    await_exit(path)
    os.close(secret)
    names = {line.split("=")[0] for line in log_of(path).splitlines() if "=" in line}
    assert names == {"GIVEN", "PATH", "LANG", "HOME", "TMPDIR", "BUCLE_ATTEMPT", "PWD"}
    assert log_of(path).splitlines()[-4:] == ["0", "1", "2", "3"]  # 3 is what `ls` itself opened


def test_attempt_folder_is_out_of_reach(any_host: Host, closed: int) -> None:
    """User code cannot forge its own report, nor read its order, though both lie beside its HOME."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    forge = "echo {} > $BUCLE_ATTEMPT/exit.json; cat $BUCLE_ATTEMPT/spec.json; echo x > $HOME/x; test -e $HOME/x"
    assert any_host.run(shell("cat $BUCLE_ATTEMPT/spec.json")).rc == 0

    path = any_host.start(shell(forge, isolation=walls(scene)))

    assert await_exit(path).why == "ok"
    assert log_of(path).count("Permission denied") == 2


def test_missing_path_is_an_error(host: Host, tmp_path: Path) -> None:
    """A path to read that is not there is named, and user code does not start; with the path it does."""
    wanted = tmp_path / "data"
    spec = shell("true", isolation=Isolation(mode="auto", read=(str(wanted),)))

    ended = host.run(spec)

    assert (ended.why, ended.rc, ended.reason) == ("failed", None, "path_missing")
    assert str(wanted) in str(ended.detail)
    wanted.mkdir()
    assert host.run(spec).why == "ok"


def test_what_is_read_only_may_not_lie_in_what_is_writable(host: Host, tmp_path: Path) -> None:
    """Code, inputs or the attempt folder within a writable folder would be writable: refused."""
    (tmp_path / "job/code").mkdir(parents=True)
    code, job = str(tmp_path / "job/code"), str(tmp_path / "job")
    assert host.run(shell("true", isolation=Isolation(mode="auto", read=(job,), write=(code,)))).why == "ok"

    verify = (Verified(path=code, digest="sha256:" + "0" * 64),)
    orders = (
        shell("true", isolation=Isolation(mode="auto", read=(code,), write=(job,))),
        shell("true", isolation=Isolation(mode="auto", write=(job,)), verify=verify),
        shell("true", isolation=Isolation(mode="auto", write=(str(host.root),))),
    )

    assert [host.run(order).reason for order in orders] == ["paths_overlap"] * 3


def test_strange_interpreter_needs_its_prefix(host: Host, tmp_path: Path) -> None:
    """A program outside the system runs only when its prefix is among the paths to read."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    assert host.run(spec_of((str(program),), isolation=Isolation(mode="auto", read=(str(tmp_path),)))).rc == 7

    refused = host.run(spec_of((str(program),), isolation=Isolation(mode="auto")))

    assert (refused.rc, refused.reason) == (127, "exec_failed")


# A filter that answers ENOSYS to landlock_create_ruleset is how a kernel without Landlock looks.
OLD_KERNEL = """
import pathlib, sys
sys.path.append(sys.argv[1])
from bucle.runtime import linux, seccomp, supervisor
linux.forbid_new_privileges()
seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50026), (6, 0, 0, 0x7FFF0000)])
supervisor.supervise(pathlib.Path(sys.argv[2]), "/nowhere")
"""


@pytest.mark.parametrize(("mode", "why", "reason"), [("none", "ok", None), ("auto", "failed", "isolation_unavailable")])
def test_where_the_kernel_has_no_landlock(host: Host, mode: Mode, why: str, reason: str | None) -> None:
    """Isolation that the kernel cannot give fails by name; the same order without walls runs."""
    path = host.order(shell("echo x >> $HOME/ran", isolation=Isolation(mode=mode)))
    packages = str(Path(landlock.__file__).parents[2])

    subprocess.run(python(OLD_KERNEL, packages, str(path)), check=True)

    ended = await_exit(path)
    assert (ended.why, ended.reason, (path / "home/ran").exists()) == (why, reason, why == "ok")
