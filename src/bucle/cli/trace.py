"""`bucle trace`: from one answer to everything behind it."""

import click

from bucle.cli.asking import Asked, asking


@click.command()
@click.argument("request_id")
@asking
def trace(asked: Asked, request_id: str) -> None:
    """Follow a request (its x-request-id) to its people. Python: `Client.platform.trace(request_id)`."""
    with asked.client() as client:
        asked.show(client.platform.trace(request_id))
