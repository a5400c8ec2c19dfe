"""`bucle trace`: from one answer to everything behind it."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options


@click.command()
@click.argument("request_id")
@server_options
@output_options
def trace(request_id: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Follow a request (its x-request-id) to its people. Python: `Client.platform.trace(request_id)`."""
    with connect(server, home) as client:
        show(client.platform.trace(request_id), output, query)
