"""Hostile acts of user code, each proven to succeed without walls, then refused within them."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bucle.runtime import landlock
from bucle.runtime.attempt import Isolation, Mode, Verified
from bucle.runtime.landlock import landlock_abi
from tests.runtime.conftest import (
    Host,
    as_nobody,
    await_exit,
    interpreter,
    log_of,
    python,
    shell,
    spec_of,
)

pytestmark = pytest.mark.skipif(landlock_abi() < 6, reason="this kernel has no Landlock that scopes signals (ABI 6)")

REFUSED = 13
DONE = 0
SECRET = "rows of production"

# `stage` is another stage's folder, `own` the attempt's, `server` a process that plays the server.
ACTS = {
    "01 read a file": "open(stage + '/rows').read()",
    "02 list": "os.listdir(stage)",
    "03 overwrite": "open(stage + '/rows', 'w').write('x')",
    "04 rename": "os.rename(stage + '/rows', stage + '/stolen')",
    "04 rename into the sandbox": "os.rename(stage + '/rows', own + '/stolen')",
    "05 delete": "os.unlink(stage + '/rows')",
    "05 truncate": "os.truncate(stage + '/rows', 0)",
    "06 through a symlink": "os.symlink(stage + '/rows', own + '/link'); open(own + '/link').read()",
    "07 through a hard link": "os.link(stage + '/rows', own + '/link'); open(own + '/link').read()",
    "08 through /proc/self/root": "open('/proc/self/root' + stage + '/rows').read()",
    "09 through the server's root": "open(f'/proc/{server}/root' + stage + '/rows').read()",
    "10 through the server's cwd": "open(f'/proc/{server}/cwd/rows').read()",
    "11 read the database": "open(stage + '/records.db').read()",
    "12 read the key": "open(stage + '/key').read()",
    "13 append to the shell profile": "open(stage + '/.bashrc', 'a').write('x')",
    "14 read the server's environment": "open(f'/proc/{server}/environ').read()",
    "15 read the server's maps": "open(f'/proc/{server}/maps').read()",
    "15 read the server's memory": "open(f'/proc/{server}/mem', 'rb')",
    "16 trace the server": "call('ptrace', 0x4206, server, 0, 0)",
    "17 signal the server": "os.kill(server, signal.SIGURG)",
    "18 call the server's abstract socket": "socket.socket(socket.AF_UNIX).connect('\\0' + name)",
    "20 call an unlisted port": "socket.create_connection(('127.0.0.1', closed))",
    "20 call it by multipath TCP": "socket.socket(2, 1, 262).connect(('127.0.0.1', closed))",
    "20 call it by TCP fast open": "socket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', closed))",
    "20 listen on a port": "socket.create_server(('127.0.0.1', 0))",
    "26 enter a user namespace": "call('unshare', 0x10000000)",
    "27 rewrite a module of the environment": "open(environment + '/module.py', 'w').write('x')",
    "27 add a module to the environment": "open(environment + '/added.pyc', 'w').write('x')",
    "28 rewrite a hard-linked input": "open(inputs + '/linked', 'r+').write('x')",
    "28 rewrite it through one more link": (
        "os.link(inputs + '/linked', own + '/again'); open(own + '/again', 'r+').write('x')"
    ),
}
# A control that the machine itself refuses proves nothing, and is said so.
REFUSED_BY_SOME_HOSTS = {
    "26 enter a user namespace",
    "20 call it by multipath TCP",
    "20 call it by TCP fast open",
}

FRAME = """
import ctypes, errno, json, os, signal, socket, sys
globals().update(json.loads(sys.argv[1]))
def call(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)
try:
    ACT
except OSError as fault:
    print(fault)
    refusals = (errno.EACCES, errno.EPERM, errno.EXDEV, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP)
    sys.exit(13 if fault.errno in refusals else 1)
"""
SERVER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0" + sys.argv[1])
listener.listen(16)
os.write(1, b"up")
sys.stdin.read()
"""


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

    def command(self, act: str) -> tuple[str, ...]:
        """Return the command that tries `act`."""
        told = {key: value if isinstance(value, int) else str(value) for key, value in vars(self).items()}
        return python(FRAME.replace("ACT", act), json.dumps(told))

    def untouched(self) -> bool:
        """Return whether everything is as it was laid out."""
        stage = {file.name: file.read_text() for file in self.stage.iterdir()}
        environment = {file.name: file.read_text() for file in self.environment.iterdir()}
        return stage == dict.fromkeys((".bashrc", "key", "records.db", "rows"), SECRET) and environment == {
            "module.py": SECRET
        }


@pytest.fixture
def closed() -> Iterator[int]:
    """Give the port of a listener that no order lists."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def lay_out(host: Host, name: str, server: int, closed: int) -> Scene:
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
    )


@pytest.fixture
def server(any_host: Host) -> Iterator[int]:
    """Give the pid of a process of the host's user that plays the server."""
    cwd = any_host.make("server")
    (cwd / "rows").write_text(SECRET)
    (cwd / "rows").chmod(0o644)
    prefix = as_nobody() if any_host.who == "ordinary_user" else []
    with subprocess.Popen(
        [*prefix, *python(SERVER, any_host.root.name)], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"up"
        yield process.pid
        process.kill()


def walls(scene: Scene, *ports: int) -> Isolation:
    """Return the isolation of an honest job of this scene."""
    read = (str(scene.environment), str(scene.inputs), *interpreter()[1])
    return Isolation(mode="auto", read=read, write=(str(scene.own),), connect_tcp=ports)


@pytest.mark.parametrize("act", ACTS)
def test_act(any_host: Host, server: int, closed: int, act: str) -> None:
    """The act succeeds for the same user without walls, and is refused within them, leaving all untouched."""
    bare = lay_out(any_host, "bare", server, closed)
    control = any_host.outside(bare.command(ACTS[act]))
    if control != DONE and act in REFUSED_BY_SOME_HOSTS:
        pytest.skip("this host refuses the act to everybody")
    assert control == DONE
    scene = lay_out(any_host, "walled", server, closed)

    path = any_host.start(spec_of(scene.command(ACTS[act]), isolation=walls(scene)))

    ended = await_exit(path)
    assert (ended.rc, ended.reason) == (REFUSED, None), log_of(path)
    assert scene.untouched()


def test_plain_cat_of_another_stage(any_host: Host, closed: int) -> None:
    """`cat` reads what it was given and gets the kernel's own refusal for another stage's file."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    command = ("cat", str(scene.environment / "module.py"), str(scene.stage / "rows"))

    path = any_host.start(spec_of(command, isolation=walls(scene)))

    assert await_exit(path).rc == 1
    assert log_of(path) == f"{SECRET}cat: {scene.stage}/rows: Permission denied\n"


def test_listed_port_can_be_called(any_host: Host, closed: int) -> None:
    """A port that the order lists is open to user code."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    command = scene.command(ACTS["20 call an unlisted port"])
    assert any_host.run(spec_of(command, isolation=walls(scene, closed))).rc == DONE


def test_honest_work_goes_on(any_host: Host, closed: int) -> None:
    """Within the walls: temporary files, processes, shared memory, pools, writing one's outputs, HOME."""
    scene = lay_out(any_host, "scene", os.getpid(), closed)
    code = """
import multiprocessing, os, pathlib, socket, ssl, subprocess, sys, tempfile
tempfile.NamedTemporaryFile().write(b"x")
(pathlib.Path.home() / "x").write_text("x")
subprocess.run(["/bin/sh", "-c", "echo sub > /dev/null"], check=True)
with multiprocessing.get_context("fork").Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
os.rename(tempfile.mkstemp()[1], sys.argv[1] + "/output")
socket.getaddrinfo("localhost", 80), socket.socketpair(), ssl.create_default_context()
assert not any(map(int, [l.split()[1] for l in open("/proc/self/status") if l.startswith("CapE")]))
"""
    path = any_host.start(spec_of(python(code, str(scene.own)), isolation=walls(scene)))
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
