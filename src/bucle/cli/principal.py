"""`bucle principal`: people and services."""

import click

from bucle.cli.asking import Asked, asking
from bucle.cli.render import say

COLUMNS = ("name", "kind", "active", "has_password", "created_at")


@click.group()
def principal() -> None:
    """Principals: people, and services that act for them."""


@principal.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["person", "service"]), required=True)
@click.option("--owner", default=None, help="The person that a service acts for.")
@asking
def create(asked: Asked, name: str, kind: str, owner: str | None) -> None:
    """Make a person or a service. Python: `Client.principal.create(name, kind=…, owner=…)`."""
    with asked.client() as client:
        asked.show(client.principal.create(name, kind=kind, owner=owner))


@principal.command("list")
@asking
def listed(asked: Asked) -> None:
    """List principals. Python: `Client.principal.list()`."""
    with asked.client() as client:
        asked.show(client.principal.list(), COLUMNS)


@principal.command("show")
@click.argument("name")
@asking
def shown(asked: Asked, name: str) -> None:
    """Show a principal and his roles. Python: `Client.principal.show(name)`."""
    with asked.client() as client:
        asked.show(client.principal.show(name))


@principal.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["person"]), default=None, help="Make the person first.")
@asking
def invite(asked: Asked, name: str, kind: str | None) -> None:
    """Print a one-use code with which a person sets his password. Python: `Client.principal.invite(name)`."""
    with asked.client() as client:
        invited = client.principal.invite(name, kind=kind)
    asked.show(invited)
    if invited["code"] is None:
        say("the code was lost on the way and is kept nowhere; invite again")
    else:
        say(f"hand it to {name}: bucle login --invite CODE (once, within 24 hours)")


@principal.command()
@click.argument("name")
@asking
def disable(asked: Asked, name: str) -> None:
    """Shut a principal out from his next request on. Python: `Client.principal.disable(name)`."""
    with asked.client() as client:
        asked.show(client.principal.disable(name))
