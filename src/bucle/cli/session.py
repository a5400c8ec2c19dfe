"""The client of a command: which server, which token, which stage; and the options that say so."""

import json
from collections.abc import Callable
from typing import Any

import click

from bucle import config, errors
from bucle.cli.kept_session import kept_session, read_private
from bucle.client import Client


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--server` and `--home` to a command."""
    command = click.option("--home", default=None, help="State folder of a server on this machine.")(command)
    return click.option(
        "--server", default=None, help="Address of a server; else BUCLE_SERVER, else the state folder's."
    )(command)


def stage_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--stage`, and Azure's `-w` for the same value, to a command."""
    return click.option(
        "--stage",
        "-w",
        "--workspace-name",
        "stage",
        default=None,
        help="The stage; default: BUCLE_STAGE, else dev.",
    )(command)


def connect(server: str | None, home: str | None) -> Client:
    """Return a client of the server that is meant; PlatformFault when none runs there.

    Who calls: the token of BUCLE_TOKEN, else the session of `bucle login`, else the administrator of a state
    folder of one's own.
    """
    address = config.server_address(server) or running_address(config.find_home(home))
    token = config.client_token() or kept_session(server_of(server, home)) or _administrator(address, home)
    return Client(address, token, authority=config.client_authority())


def sign_in_client(server: str | None, home: str | None) -> Client:
    """Return a client that calls with the session kept for the server, or as nobody."""
    address = config.server_address(server) or running_address(config.find_home(home))
    return Client(address, kept_session(server_of(server, home)), authority=config.client_authority())


def server_of(server: str | None, home: str | None) -> str:
    """Return what a session is kept for: the address that was named, else the state folder (ports change)."""
    return config.server_address(server) or str(config.find_home(home).root)


def running_address(home: config.Home) -> str:
    """Return the address of a server that runs on a state folder: the one it names, else another that lives."""
    living = {one.address for one in config.living_servers(home) if one.address is not None}
    try:
        named = str(json.loads(home.server.read_bytes())["address"])
    except FileNotFoundError as missing:
        if living:
            return min(living)
        raise errors.PlatformFault("server.not_running", home=home.root) from missing
    return named if named in living or not living else min(living)


def _addresses(home: config.Home) -> set[str]:
    """Return the addresses of every server of a state folder."""
    living = {one.address for one in config.living_servers(home) if one.address is not None}
    return living | {running_address(home)}


def _administrator(address: str, home: str | None) -> str | None:
    """Return the bootstrap token of a server that runs on a state folder of one's own; it is sent to no other."""
    place = config.find_home(home)
    try:
        own = address.rstrip("/") in _addresses(place)
    except errors.PlatformFault:
        return None
    return read_private(place.admin_token) if own else None
