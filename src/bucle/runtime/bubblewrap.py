"""Strict walls: the command by which bubblewrap gives user code a file tree, processes and a network of its own.

Only what an order grants is in that tree, at the same paths as outside. `inside` runs first there: it puts up the
walls of `auto` as well, and becomes user code.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bucle.runtime import isolated, isolation
from bucle.runtime.attempt import AttemptSpec

_OWN_NAMESPACES = ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")


def command(spec: AttemptSpec, own: tuple[str, ...], order: int, channel: int) -> tuple[str, ...]:
    """Return the command that runs `inside` within the walls of `spec`; `own` are further writable folders.

    The descriptors `order` (a file that holds `order_of`) and `channel` (a socket for what it says) go with it.
    """
    python = os.path.realpath(sys.executable)
    shim = isolated.command("bucle.runtime.inside:main", str(order), str(channel), python=python)
    walls = (*_OWN_NAMESPACES, *_network(spec), *_tree(spec, own))
    return (isolation.bubblewrap(), *walls, "--chdir", spec.cwd, "--", *shim)


def order_of(spec: AttemptSpec, own: tuple[str, ...], env: Mapping[str, str]) -> bytes:
    """Return what `inside` is told, as JSON; `env` is user code's, and nobody else's: it may name libraries to load."""
    walls = spec.isolation
    ports = walls.connect_tcp if walls.reach == "this_host" else ()
    return json.dumps(
        {
            "argv": spec.argv,
            "env": dict(env),
            "read": walls.read,
            "write": (*walls.write, *own),
            "connect_tcp": walls.connect_tcp,
            "relayed": ports,
        }
    ).encode()


def _network(spec: AttemptSpec) -> Iterator[str]:
    if spec.isolation.reach == "this_host":
        yield "--unshare-net"


def _tree(spec: AttemptSpec, own: tuple[str, ...]) -> Iterator[str]:
    yield from ("--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", isolation.SHARED_MEMORY)
    for path in (*isolation.SYSTEM, *isolation.SETTINGS, *isolation.KERNEL):
        if path != "/proc":
            yield from ("--ro-bind-try", path, path)
    for path in (_prefix(), str(Path(__file__).parent), *spec.isolation.read):
        if not f"{path}/".startswith(isolation.SYSTEM_PREFIXES):
            yield from ("--ro-bind", path, path)
    for path in (*spec.isolation.write, *own):
        yield from ("--bind", path, path)


def _prefix() -> str:
    """Return the folder of the interpreter that runs `inside`."""
    return str(Path(os.path.realpath(sys.executable)).parents[1])
