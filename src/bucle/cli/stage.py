"""`bucle stage`: the places that exist."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options


@click.group()
def stage() -> None:
    """Stages: where work lives and is promoted to."""


@stage.command("list")
@server_options
@output_options
def listed(server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List the stages in which you may look. Python: `Client.stage.list()`."""
    with connect(server, home) as client:
        show(client.stage.list(), output, query)


@stage.command("show")
@click.argument("name")
@server_options
@output_options
def shown(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Show one stage. Python: `Client.stage.show(name)`."""
    with connect(server, home) as client:
        show(client.stage.show(name), output, query)
