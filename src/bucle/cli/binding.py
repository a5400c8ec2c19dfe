"""`bucle binding`: who holds which role where."""

from datetime import timedelta

import click

from bucle.cli.durations import Span
from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options

COLUMNS = ("id", "principal", "role", "scope", "expires_at", "made_by")


@click.group()
def binding() -> None:
    """Bindings: a role, held by a principal, at a scope."""


@binding.command()
@click.argument("principal")
@click.argument("role")
@click.argument("scope")
@click.option("--expires-in", type=Span(), default=None, help="For a while only: 8h, 30d.")
@server_options
@output_options
def create(
    principal: str,
    role: str,
    scope: str,
    expires_in: timedelta | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Grant ROLE to PRINCIPAL at SCOPE. Python: `Client.binding.create(principal, role, scope)`."""
    with connect(server, home) as client:
        show(client.binding.create(principal, role, scope, expires_in=expires_in), output, query)


@binding.command("list")
@click.option("--principal", default=None, help="Of this principal only.")
@click.option("--scope", default=None, help="At this scope exactly.")
@server_options
@output_options
def listed(
    principal: str | None,
    scope: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """List who holds which role where. Python: `Client.binding.list()`."""
    with connect(server, home) as client:
        show(client.binding.list(principal=principal, scope=scope), output, query, COLUMNS)


@binding.command()
@click.argument("binding_id", metavar="ID")
@server_options
@output_options
def delete(binding_id: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Revoke a binding. Python: `Client.binding.delete(binding_id)`."""
    with connect(server, home) as client:
        show(client.binding.delete(binding_id), output, query)
