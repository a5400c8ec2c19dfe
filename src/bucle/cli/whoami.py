"""`bucle whoami`: who is calling."""

import click

from bucle.cli.asking import Asked, asking


@click.command()
@asking
def whoami(asked: Asked) -> None:
    """Show who you are and what you hold where. Python: `Client.platform.whoami()`."""
    with asked.client() as client:
        asked.show(client.platform.whoami())
