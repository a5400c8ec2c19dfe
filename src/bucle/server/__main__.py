"""`python -m bucle.server`: run one server on one state folder until it is told to stop."""

import argparse
import logging
import os
import signal
import sys
import types
from contextlib import ExitStack, closing
from pathlib import Path

import uvicorn

from bucle import __version__, errors
from bucle.config import Home, records_address
from bucle.server import log, network, refusals
from bucle.server.app import build_application
from bucle.server.compose import HOST, compose, data_plane
from bucle.server.life import HomeLock, listen
from bucle.server.membership import Registered, starting
from bucle.server.network import Network
from bucle.server.records import hold, is_file
from bucle.server.running import Running

LOG = logging.getLogger("bucle.server")


def main() -> int:
    """Serve until TERM or INT; return the exit code of the CLI's catalogue."""
    parser = argparse.ArgumentParser(prog="python -m bucle.server")
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scoring-port", type=int, default=0)
    parser.add_argument("--stop-data-plane", action="store_true", help="stop what a killed server left, and leave")
    network.add_options(parser)
    asked = parser.parse_args()
    os.umask(0o077)
    home = Home(root=asked.home.resolve())
    try:
        alone = asked.stop_data_plane or is_file(home, records_address())
        with HomeLock(home, alone=alone) as lock:
            if asked.stop_data_plane:
                data_plane(home, 0).stop()
                return 0
            with Registered(home) as registered:
                return serve(lock, registered, (asked.port, asked.scoring_port), network.network_of(asked))
    except errors.BucleError as error:
        return refusals.say(error)


def serve(lock: HomeLock, registered: Registered, ports: tuple[int, int], beyond: Network | None = None) -> int:
    """Run a server on a home whose lock is held; on loopback, and `beyond` it where that is asked for.

    `ports` are those of the API and of scoring. Conflict when another server took its lease.
    """
    home = lock.home
    log.write_to(home.server_log)
    LOG.info("bucle %s starts on %s", __version__, home.root)
    with listen(HOST, ports[0]) as listener, ExitStack() as kept:
        bound = listener.getsockname()[1]
        with starting(home):
            held = kept.enter_context(closing(hold(home, records_address(), registered.id)))
            if held.membership is None and not lock.alone:
                raise errors.Conflict("server.moved", home=home.root)
            installation = kept.enter_context(closing(compose(home, held.records, lambda: bound, ports[1])))
        application = build_application(installation.world, () if beyond is None else beyond.names)
        server = uvicorn.Server(uvicorn.Config(application, **network.SETTINGS))
        running = Running(held=held, installation=installation, registered=registered)

        def leave() -> None:
            server.should_exit = True

        def stop(_signal: int, _frame: types.FrameType | None) -> None:
            leave()

        try:
            with network.opened(beyond, application, held.records) as outside:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, stop)
                before = None if held.upgraded is None else held.upgraded.snapshot
                registered.tell(address=f"http://{HOST}:{bound}", network=outside, upgraded=before)
                registered.name_a_living()
                running.begin(leave)
                server.run(sockets=[listener])
        finally:
            running.end()
            if lock.is_last():
                installation.plane.stop()
    LOG.info("stopped")
    if running.superseded:
        raise errors.Conflict("store.superseded")
    return 0


sys.exit(main())
