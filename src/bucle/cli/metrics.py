"""`bucle metrics`: what a scraper would see."""

import click

from bucle.cli.session import connect, server_options


@click.command()
@server_options
def metrics(server: str | None, home: str | None) -> int:
    """Print the platform's measurements in Prometheus' text format. Python: `Client.platform.metrics()`."""
    with connect(server, home) as client:
        click.echo(client.platform.metrics(), nl=False)
    return 0
