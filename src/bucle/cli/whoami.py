"""`bucle whoami`: who is calling."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options


@click.command()
@server_options
@output_options
def whoami(server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Show who you are and what you hold where. Python: `Client.platform.whoami()`."""
    with connect(server, home) as client:
        show(client.platform.whoami(), output, query)
