"""`bucle up`, `down`, `status`: start, stop and look at the server of a state folder."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from bucle import config, errors
from bucle.cli.operating import refusal_in
from bucle.cli.render import output_options, say, show
from bucle.cli.session import connect, server_options
from bucle.client import Client
from bucle.config import API_PORT, SCORING_PORT, Home, Living

READY_S = 30.0
LOOK_S = 0.02


@click.command()
@click.option("--home", default=None, help="State folder; default: BUCLE_HOME, the nearest .bucle upwards, ./.bucle.")
@click.option("--port", default=API_PORT, show_default=True, help="API port; 0 takes any.")
@click.option(
    "--scoring-port", default=None, type=int, help=f"Scoring port; default {SCORING_PORT}, any with --port 0."
)
@click.option("--records", default=None, help="postgresql://… for the records; remembered. Default: a SQLite file.")
@click.option("--foreground", is_flag=True, help="Stay, and stop with Ctrl-C.")
@click.option("--host", default=None, help="An address of this machine for others to call; needs TLS.")
@click.option("--network-port", default=None, type=int, help="Its port; default 8443.")
@click.option("--tls-cert", default=None, help="PEM file of the certificate; read again when it changes.")
@click.option("--tls-key", default=None, help="PEM file of its key.")
@click.option("--allow-host", multiple=True, help="A name by which callers may call it (with --host 0.0.0.0).")
def up(
    home: str | None,
    port: int,
    scoring_port: int | None,
    records: str | None,
    *,
    foreground: bool,
    **network: str | int | tuple[str, ...] | None,
) -> int:
    """Start the server; return when it is ready. Python: `subprocess.run(["bucle", "up"])`."""
    place = config.find_home(home)
    _make_log_folder(place)
    command = [sys.executable, "-m", "bucle.server", "--home", str(place.root), "--port", str(port)]
    command += ["--scoring-port", str((SCORING_PORT if port else 0) if scoring_port is None else scoring_port)]
    command += _network(network)
    environment = config.with_records(records)
    if foreground:
        return subprocess.run(command, env=environment, check=False).returncode
    started = time.monotonic()
    with place.start_log.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    ready = _await_ready(place, process)
    if (snapshot := ready.upgraded) is not None:
        say(f"the records were upgraded; as they were: {snapshot}")
    say(f"ready at {ready.address} in {time.monotonic() - started:.1f} s · state in {place.root}")
    others = [one.address for one in config.living_servers(place) if one.id != ready.id and one.address is not None]
    if others:
        say(f"  joined    {', '.join(others)}: one of them drives, any of them answers")
    say(f"  pages     {ready.address}/studio")
    say(f"  tracking  {ready.address}/mlflow/dev   (MLFLOW_TRACKING_URI)")
    if ready.network is not None:
        say(f"  network   {ready.network}")
    say(f"  token     {place.admin_token}   (MLFLOW_TRACKING_TOKEN; when signed in: `bucle token create`)")
    return 0


@click.command()
@click.option("--home", default=None, help="State folder.")
@click.option("--server-id", default=None, help="One server of several; default: all of them on this machine.")
def down(home: str | None, server_id: str | None) -> int:
    """Stop the servers of a state folder; its jobs go on, and the next `up` adopts them."""
    place = config.find_home(home)
    stopped = [one for one in running_here(place) if server_id in {None, one.id}]
    if not stopped:
        if server_id is not None:
            raise errors.NotFound("server.no_such", id=server_id, home=place.root)
        _stop_data_plane(place)
        raise errors.NotFound("server.not_running", home=place.root)
    for one in stopped:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + READY_S
    gone = {one.id for one in stopped}
    while gone & {one.id for one in running_here(place)} and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    say("stopped")
    return 0


@click.command()
@server_options
@output_options
def status(server: str | None, home: str | None, output: str | None, query: str | None) -> int:
    """Show whether the server answers, and which others there are. Python: `Client.platform.status()`."""
    with connect(server, home) as client:
        place = config.find_home(home)
        told = {
            **client.platform.status(),
            "address": client.address,
            "home": str(place.root),
            "log": str(place.server_log),
        }
        known = [asdict(one) for one in config.living_servers(place)]
        if any(one["address"] == client.address for one in known):
            told["servers"] = known
        show(told, output, query)
    return 0


def _network(asked: Mapping[str, str | int | tuple[str, ...] | None]) -> Iterator[str]:
    """Yield the server's options for the ones that were given; paths as seen from here, for it runs elsewhere."""
    for name, value in asked.items():
        given = value if isinstance(value, tuple) else () if value is None else (value,)
        for one in given:
            yield f"--{name.replace('_', '-')}"
            yield str(Path(str(one)).absolute()) if name.startswith("tls") else str(one)


def _stop_data_plane(place: Home) -> None:
    """Stop the gateway and the workers that a killed server left running."""
    if place.gateway.is_dir():
        command = [sys.executable, "-m", "bucle.server", "--home", str(place.root), "--stop-data-plane"]
        subprocess.run(command, capture_output=True, check=False)


def _make_log_folder(place: Home) -> None:
    try:
        place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.log.mkdir(exist_ok=True, mode=0o700)
    except OSError as fault:
        raise errors.PlatformFault("server.home_not_writable", home=place.root, why=fault.strerror) from fault


def _await_ready(place: Home, process: subprocess.Popen[bytes]) -> Living:
    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline:
        if place.upgrade_mark.exists():  # older records take as long as they take
            deadline = time.monotonic() + READY_S
        ready = [one for one in config.living_servers(place) if one.pid == process.pid and one.address is not None]
        if ready and _answers(ready[0]):
            return ready[0]
        time.sleep(LOOK_S)
    raise _why_not(place)


def _answers(one: Living) -> bool:
    try:
        with Client(str(one.address)) as client:
            client.platform.status()
    except errors.BucleError:
        return False
    return True


def _why_not(place: Home) -> errors.BucleError:
    """Return the error that a server that did not start wrote as its last line."""
    told = place.start_log.read_text(errors="replace")
    why = told.splitlines()[-1] if told.strip() else "it wrote nothing"
    return refusal_in(told) or errors.PlatformFault("server.did_not_start", why=why, log=place.start_log)


def running_here(place: Home) -> list[Living]:
    """Return the servers of a state folder on this machine, one that is only starting or of an older version too."""
    found = [one for one in config.living_servers(place) if one.host == socket.gethostname() and one.pid]
    pid = None if found else _holder(place)
    return found if pid is None else [Living(id="?", pid=pid, host="", address=None, network=None, drives=True)]


def _holder(place: Home) -> int | None:
    """Return the process that holds the lock of a state folder alone, or None."""
    try:
        with place.lock.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0) or None
    except FileNotFoundError:
        pass
    return None
