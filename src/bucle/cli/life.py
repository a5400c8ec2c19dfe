"""`bucle up`, `down`, `status`: start, stop and look at the server of a state folder."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from bucle import config, errors
from bucle.cli.operating import refusal_in
from bucle.cli.render import output_options, say, show
from bucle.cli.session import connect, running_address, server_options
from bucle.client import Client
from bucle.config import API_PORT, SCORING_PORT, Home

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
    address = _await_ready(place, process)
    announced = json.loads(place.server.read_bytes())
    if announced["upgraded"] is not None:
        say(f"the records were upgraded; as they were: {announced['upgraded']}")
    say(f"ready at {address} in {time.monotonic() - started:.1f} s · state in {place.root}")
    say(f"  pages     {address}/studio")
    say(f"  tracking  {address}/mlflow/dev   (MLFLOW_TRACKING_URI)")
    if (outside := announced["network"]) is not None:
        say(f"  network   {outside}")
    say(f"  token     {place.admin_token}   (MLFLOW_TRACKING_TOKEN; when signed in: `bucle token create`)")
    return 0


@click.command()
@click.option("--home", default=None, help="State folder.")
def down(home: str | None) -> int:
    """Stop the server of a state folder; its jobs go on, and the next `up` adopts them."""
    place = config.find_home(home)
    pid = holder(place)
    if pid is None:
        _stop_data_plane(place)
        raise errors.NotFound("server.not_running", home=place.root)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + READY_S
    while holder(place) == pid and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    say("stopped")
    return 0


@click.command()
@server_options
@output_options
def status(server: str | None, home: str | None, output: str | None, query: str | None) -> int:
    """Show whether the server answers. Python: `Client.platform.status()`."""
    with connect(server, home) as client:
        place = config.find_home(home)
        told = {"address": client.address, "home": str(place.root), "log": str(place.server_log)}
        show({**client.platform.status(), **told}, output, query)
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


def _await_ready(place: Home, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline:
        if place.upgrade_mark.exists():  # older records take as long as they take
            deadline = time.monotonic() + READY_S
        try:
            address = running_address(place)
            with Client(address) as client:
                client.platform.status()
        except errors.BucleError:
            time.sleep(LOOK_S)
        else:
            if json.loads(place.server.read_bytes())["pid"] == process.pid:
                return address
    raise _why_not(place)


def _why_not(place: Home) -> errors.BucleError:
    """Return the error that a server that did not start wrote as its last line."""
    told = place.start_log.read_text(errors="replace")
    why = told.splitlines()[-1] if told.strip() else "it wrote nothing"
    return refusal_in(told) or errors.PlatformFault("server.did_not_start", why=why, log=place.start_log)


def holder(place: Home) -> int | None:
    """Return the process that holds the lock of a state folder, or None."""
    try:
        with place.lock.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0) or None
    except FileNotFoundError:
        pass
    return None
