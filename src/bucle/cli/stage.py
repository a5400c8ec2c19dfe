"""`bucle stage`: the places that exist."""

import click

from bucle.cli.asking import Asked, asking


@click.group()
def stage() -> None:
    """Stages: where work lives and is promoted to."""


@stage.command("list")
@asking
def listed(asked: Asked) -> None:
    """List the stages in which you may look. Python: `Client.stage.list()`."""
    with asked.client() as client:
        asked.show(client.stage.list())


@stage.command("show")
@click.argument("name")
@asking
def shown(asked: Asked, name: str) -> None:
    """Show one stage. Python: `Client.stage.show(name)`."""
    with asked.client() as client:
        asked.show(client.stage.show(name))
