"""`python -m bucle.gateway`: one gateway on one folder, until TERM; then what is in flight is answered."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bucle.gateway.collect import Collector
from bucle.gateway.core import Core
from bucle.gateway.house import House
from bucle.gateway.http1 import Connection, Connections, Limits
from bucle.gateway.seen import Seen
from bucle.runtime import hold
from bucle.runtime.folder import replace_file

HELD_BY_ANOTHER = 97
PORT_TAKEN = 5
_BACKLOG = 2048
_TURN_S = 0.05
_GRACE_S = 5.0


def main() -> int:
    """Serve a folder; 97 when another gateway does, 5 when the port is taken."""
    asked = _arguments()
    os.umask(0o077)
    lock = hold.take(asked.folder / "gateway.lock")
    if lock is None:
        return HELD_BY_ANOTHER
    try:
        listener = _listen(asked.host, asked.port)
    except OSError as fault:
        sys.stderr.write(f"port {asked.port}: {fault.strerror}\n")
        return PORT_TAKEN
    limits = Limits(
        body=asked.largest_body,
        header_s=asked.header_timeout,
        body_s=asked.body_timeout,
        idle_s=asked.idle_timeout,
        connections=asked.connections,
    )
    serving = serve(asked.folder, listener, limits, lock)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serving)
    return 0


async def serve(folder: Path, listener: socket.socket, limits: Limits, lock: int) -> None:
    """Answer on `listener` until TERM or INT, then end within five seconds."""
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    collector = Collector(folder / "segments")
    collector.start()
    core = Core(collector, Seen(time.monotonic))
    house = House(folder, core)
    await house.turn()  # the table is there before the first request is
    connections = Connections(core, limits)
    server = await loop.create_server(lambda: Connection(connections), sock=listener, backlog=_BACKLOG)
    _announce(folder, listener, lock)
    while not ending.is_set():
        await house.turn()
        connections.sweep()
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), _TURN_S)
    server.close()
    connections.end()
    with suppress(TimeoutError):
        await asyncio.wait_for(core.quiet.wait(), _GRACE_S)
    await asyncio.sleep(0)  # the last answer is written
    collector.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's loops; where it is not installed plain asyncio serves as well, at half the speed."""
    made: Callable[[], asyncio.AbstractEventLoop] = (
        import_module("uvloop").new_event_loop if find_spec("uvloop") else asyncio.new_event_loop
    )
    return made


def _announce(folder: Path, listener: socket.socket, lock: int) -> None:
    host, port = listener.getsockname()[:2]
    address = {"address": f"http://{host}:{port}", "port": port}
    hold.announce(lock, **address)
    replace_file(folder / "gateway.json", json.dumps(address).encode(), durable=False)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _arguments() -> argparse.Namespace:
    limits = Limits()
    parser = argparse.ArgumentParser(prog="python -m bucle.gateway")
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--largest-body", type=int, default=limits.body)
    parser.add_argument("--header-timeout", type=float, default=limits.header_s)
    parser.add_argument("--body-timeout", type=float, default=limits.body_s)
    parser.add_argument("--idle-timeout", type=float, default=limits.idle_s)
    parser.add_argument("--connections", type=int, default=limits.connections)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
