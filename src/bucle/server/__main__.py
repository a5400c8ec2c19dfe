"""`python -m bucle.server`: run one server on one state folder until it is told to stop."""

import argparse
import logging
import os
import signal
import sys
import threading
import types
from contextlib import closing
from functools import partial
from pathlib import Path

import uvicorn

from bucle import __version__, errors
from bucle.clock import Clock
from bucle.config import Home, records_address
from bucle.server import log, network, refusals
from bucle.server.app import build_application
from bucle.server.compose import HOST, compose, data_plane
from bucle.server.life import HomeLock, announce, listen
from bucle.server.network import Network
from bucle.server.records import hold

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
        with HomeLock(home):
            if asked.stop_data_plane:
                data_plane(home, 0).stop()
                return 0
            return serve(home, asked.port, asked.scoring_port, network.network_of(asked))
    except errors.BucleError as error:
        return refusals.say(error)


def serve(home: Home, port: int, scoring_port: int, beyond: Network | None = None) -> int:
    """Run API and engine on a home whose lock is held; on loopback, and `beyond` it where that is asked for."""
    log.write_to(home.server_log)
    LOG.info("bucle %s starts on %s", __version__, home.root)
    with listen(HOST, port) as listener, closing(hold(home, records_address())) as held:
        bound = listener.getsockname()[1]
        installation = compose(home, held.records, lambda: bound, scoring_port)
        application = build_application(installation.world, () if beyond is None else beyond.names)
        server = uvicorn.Server(uvicorn.Config(application, **network.SETTINGS))
        clock = Clock(world=installation.world, plane=installation.plane)

        def leave() -> None:
            server.should_exit = True

        def stop(_signal: int, _frame: types.FrameType | None) -> None:
            leave()

        loops = [
            threading.Thread(target=run, name=name)
            for name, run in (
                ("engine", installation.engine.run),
                ("clock", clock.run),
                ("lease", partial(held.renew, leave)),
            )
        ]
        for loop in loops:
            loop.start()

        try:
            with network.opened(beyond, application, held.records) as outside:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, stop)
                announce(
                    home.server,
                    pid=os.getpid(),
                    address=f"http://{HOST}:{bound}",
                    port=bound,
                    network=outside,
                    upgraded=held.upgraded and held.upgraded.snapshot,
                )
                server.run(sockets=[listener])
        finally:
            home.server.unlink(missing_ok=True)
            clock.stop()
            held.stop()
            installation.engine.stop()
            for loop in loops:
                loop.join()
            installation.plane.stop()
            installation.close()
            LOG.info("stopped")
    return 0


sys.exit(main())
