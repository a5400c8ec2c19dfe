"""`bucle login`, `bucle logout`: a person's own session with a server."""

import sys

import click

from bucle.cli.kept_session import forget_session, keep_session, kept_session
from bucle.cli.render import output_options, say, show
from bucle.cli.session import server_of, server_options, sign_in_client
from bucle.client import Client


@click.command()
@click.argument("name", required=False)
@click.option("--invite", "code", default=None, help="The one-use code of an invitation; sets your password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin, for scripts.")
@server_options
@output_options
def login(
    name: str | None,
    code: str | None,
    password_stdin: bool,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Sign in by name and password, or by an invitation. Python: `Client.sign_in.login(name, password)`."""
    if (name is None) == (code is None):
        raise click.UsageError("give your name, or --invite CODE")
    password = _password(new=code is not None, piped=password_stdin)
    with sign_in_client(server, home) as client:
        opened = _open(client, name, code, password)
    keep_session(server_of(server, home), opened.pop("session"))
    say(f"signed in as {opened['name']} until {opened['expires_at']} (8 hours idle at most)")
    show(opened, output, query)


@click.command()
@server_options
def logout(server: str | None, home: str | None) -> None:
    """End your session. Python: `Client.sign_in.logout()`."""
    place = server_of(server, home)
    if kept_session(place) is None:
        say("no session was kept for this server")
        return
    try:
        with sign_in_client(server, home) as client:
            name = client.sign_in.logout()["name"]
    finally:
        forget_session(place)
    say(f"signed out, {name}")


def _open(client: Client, name: str | None, code: str | None, password: str) -> dict[str, str]:
    if code is not None:
        return client.sign_in.redeem(code, password)
    return client.sign_in.login(name or "", password)


def _password(*, new: bool, piped: bool) -> str:
    if piped:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; pipe the password in with --password-stdin")
    typed: str = click.prompt("New password" if new else "Password", hide_input=True, confirmation_prompt=new, err=True)
    return typed
