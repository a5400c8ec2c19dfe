"""`bucle role`: what can be granted."""

import click

from bucle.cli.asking import Asked, asking

COLUMNS = ("name", "places", "ceiling", "holders", "built_in", "purpose")


@click.group()
def role() -> None:
    """Roles: the built-in ones, and those that platform.yml defines."""


@role.command("list")
@asking
def listed(asked: Asked) -> None:
    """List what can be granted, and where. Python: `Client.role.list()`."""
    with asked.client() as client:
        asked.show(client.role.list(), COLUMNS)
