"""`bucle audit`: the chains of events."""

import click

from bucle import errors
from bucle.cli.asking import Asked, asking

COLUMNS = ("seq", "at", "who", "via", "what", "subject")


@click.group()
def audit() -> None:
    """Events: who did what, in hash-chained lines."""


@audit.command()
@asking
def verify(asked: Asked) -> None:
    """Recompute every chain; leave with 7 when one is broken. Python: `Client.audit.verify()`."""
    with asked.client() as client:
        found = client.audit.verify()
    asked.show(found)
    for row in found["chains"]:
        if row["why"]:
            raise errors.PlatformFault("audit.broken", chain=row["chain"], seq=row["broken_at"], why=row["why"])


@audit.command("list")
@click.option("--chain", default="platform", show_default=True, help="A stage's name, or `platform`.")
@asking
def listed(asked: Asked, chain: str) -> None:
    """List the lines of a chain, oldest first. Python: `Client.audit.list(chain)`."""
    with asked.client() as client:
        asked.show(client.audit.list(chain), COLUMNS)
