"""`bucle replay`: a past prediction computed again."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options


@click.command()
@click.argument("request_id")
@server_options
@output_options
def replay(request_id: str, server: str | None, home: str | None, output: str | None, query: str | None) -> int:
    """Compute a past prediction again; leave with 1 when it differs. Python: `Client.replay.create(request_id)`."""
    with connect(server, home) as client:
        client.replay.create(request_id)
        found = client.replay.wait(request_id)
        show(found, output, query)
    return 0 if found["equal"] else 1
