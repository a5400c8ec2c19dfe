"""`python -m tests.faults.cradle`: forks servers from one process that has loaded their modules, 0.5 s a start less.

A line of JSON asks for one: its arguments, its log, and the file that names the point at which it dies. The pid
answers. The server runs as `python -m bucle.server` does; what it starts in turn are processes of their own.
"""

import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

from tests.faults.points import Points

LOADED = (
    "anyio._backends._asyncio",
    "bucle.server.app",
    "bucle.server.compose",
    "bucle.server.records",
    "bucle.clock",
    "bucle.store.moving",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)


def main() -> None:
    """Fork a server for each line, until input ends."""
    for module in LOADED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            serve(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def serve(asked: dict[str, Any]) -> None:
    """Be a server."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    Points(Path(asked["armed"])).install()
    sys.argv = ["bucle.server", *asked["arguments"]]
    code: Any = 1
    try:
        runpy.run_module("bucle.server", run_name="__main__")
    except SystemExit as left:
        code = left.code
    os._exit(code or 0)


if __name__ == "__main__":
    main()
