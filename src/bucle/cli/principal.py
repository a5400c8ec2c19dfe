"""`bucle principal`: people and services."""

import click

from bucle.cli.render import output_options, say, show
from bucle.cli.session import connect, server_options

COLUMNS = ("name", "kind", "active", "has_password", "created_at")


@click.group()
def principal() -> None:
    """Principals: people, and services that act for them."""


@principal.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["person", "service"]), required=True)
@click.option("--owner", default=None, help="The person that a service acts for.")
@server_options
@output_options
def create(
    name: str,
    kind: str,
    owner: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Make a person or a service. Python: `Client.principal.create(name, kind=…, owner=…)`."""
    with connect(server, home) as client:
        show(client.principal.create(name, kind=kind, owner=owner), output, query)


@principal.command("list")
@server_options
@output_options
def listed(server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List principals. Python: `Client.principal.list()`."""
    with connect(server, home) as client:
        show(client.principal.list(), output, query, COLUMNS)


@principal.command("show")
@click.argument("name")
@server_options
@output_options
def shown(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Show a principal and his roles. Python: `Client.principal.show(name)`."""
    with connect(server, home) as client:
        show(client.principal.show(name), output, query)


@principal.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["person"]), default=None, help="Make the person first.")
@server_options
@output_options
def invite(
    name: str, kind: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Print a one-use code with which a person sets his password. Python: `Client.principal.invite(name)`."""
    with connect(server, home) as client:
        invited = client.principal.invite(name, kind=kind)
    show(invited, output, query)
    if invited["code"] is None:
        say("the code was lost on the way and is kept nowhere; invite again")
    else:
        say(f"hand it to {name}: bucle login --invite CODE (once, within 24 hours)")


@principal.command()
@click.argument("name")
@server_options
@output_options
def disable(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Shut a principal out from his next request on. Python: `Client.principal.disable(name)`."""
    with connect(server, home) as client:
        show(client.principal.disable(name), output, query)
