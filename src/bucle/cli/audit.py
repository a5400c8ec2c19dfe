"""`bucle audit`: the chains of events."""

import click

from bucle import errors
from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options

COLUMNS = ("seq", "at", "who", "via", "what", "subject")


@click.group()
def audit() -> None:
    """Events: who did what, in hash-chained lines."""


@audit.command()
@server_options
@output_options
def verify(server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Recompute every chain; leave with 7 when one is broken. Python: `Client.audit.verify()`."""
    with connect(server, home) as client:
        found = client.audit.verify()
    show(found, output, query)
    for row in found["chains"]:
        if row["why"]:
            raise errors.PlatformFault("audit.broken", chain=row["chain"], seq=row["broken_at"], why=row["why"])


@audit.command("list")
@click.option("--chain", default="platform", show_default=True, help="A stage's name, or `platform`.")
@server_options
@output_options
def listed(chain: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List the lines of a chain, oldest first. Python: `Client.audit.list(chain)`."""
    with connect(server, home) as client:
        show(client.audit.list(chain), output, query, COLUMNS)
