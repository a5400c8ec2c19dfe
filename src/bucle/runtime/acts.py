"""The 28 hostile acts of user code, and the scene on which they are tried: what is known to open without walls.

Each is a line of Python that ends well when the act succeeded. Names in it: `stage` another stage's folder, `own` and
`environment` and `inputs` the attempt's, `server` the pid of a process that plays the server, `name` its abstract
socket, `closed` a TCP port no job may call, `udp` a port that answers.
"""

import json
from collections.abc import Mapping

STOPPED, DONE = 13, 0
SECRET = "rows of production"  # noqa: S105  what the acts try to read, known to everybody
SECRET_VARIABLE = "MASTER_KEY"  # noqa: S105  its name

ACTS: Mapping[str, str] = {
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
    "19 call the server's path socket": "socket.socket(socket.AF_UNIX).connect(stage + '/s')",
    "20 call an unlisted port": "socket.create_connection(('127.0.0.1', closed))",
    "20 call it by multipath TCP": "socket.socket(2, 1, 262).connect(('127.0.0.1', closed))",
    "20 call it by TCP fast open": "socket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', closed))",
    "20 listen on a port": "socket.create_server(('127.0.0.1', 0))",
    "21 send by UDP": "ask_udp()",
    "22 chmod": "os.chmod(stage + '/rows', 0o640)",
    "23 stat": "os.stat(stage + '/rows')",
    "24 list the server's descriptors": "os.listdir(f'/proc/{server}/fd')",
    "25 find a secret in the environment": "given()[SECRET_VARIABLE]",
    "25 find an open descriptor": "os.listdir('/proc/self/fd')[4]",
    "26 enter a user namespace": "call('unshare', 0x10000000)",
    "27 rewrite a module of the environment": "open(environment + '/module.py', 'w').write('x')",
    "27 add a module to the environment": "open(environment + '/added.pyc', 'w').write('x')",
    "28 rewrite a hard-linked input": "open(inputs + '/linked', 'r+').write('x')",
    "28 rewrite it through one more link": (
        "os.link(inputs + '/linked', own + '/again'); open(own + '/again', 'r+').write('x')"
    ),
}

_FRAME = """
import ctypes, errno, json, os, signal, socket, sys
globals().update(json.loads(sys.argv[1]))
def call(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)
def given():
    pairs = open("/proc/self/environ").read().split("\\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)
def ask_udp():
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(10)
    asking.connect(("127.0.0.1", udp))
    asking.send(b"x")
    asking.recv(1)
try:
    ACT
except (OSError, LookupError) as fault:
    print(errno.errorcode.get(getattr(fault, "errno", None), type(fault).__name__))
    sys.exit(STOPPED)
"""

_SERVER = """
import os, socket, sys
name, path = sys.argv[1:]
abstract, lasting = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
abstract.bind("\\0" + name)
lasting.bind(path)
tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for listener in (tcp, udp):
    listener.bind(("127.0.0.1", 0))
for listener in (abstract, lasting, tcp):
    listener.listen(64)
print(tcp.getsockname()[1], udp.getsockname()[1], flush=True)
while True:
    _, asker = udp.recvfrom(1)
    udp.sendto(b"x", asker)
"""


def command(python: str, act: str, scene: Mapping[str, str | int]) -> tuple[str, ...]:
    """Return the command that tries an act on a scene: exit 0 it succeeded, 13 it was stopped, else it broke."""
    told = {**scene, "SECRET_VARIABLE": SECRET_VARIABLE, "STOPPED": STOPPED}
    return (python, "-I", "-S", "-c", _FRAME.replace("ACT", ACTS[act], 1), json.dumps(told))


def server_command(python: str, name: str, path: str) -> tuple[str, ...]:
    """Return the command that plays the server: it prints its TCP and its UDP port, and serves until it is killed."""
    return (python, "-I", "-S", "-c", _SERVER, name, path)
