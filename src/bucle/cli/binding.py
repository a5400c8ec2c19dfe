"""`bucle binding`: who holds which role where."""

from datetime import timedelta

import click

from bucle.cli.asking import Asked, asking
from bucle.cli.durations import Span

COLUMNS = ("id", "principal", "role", "scope", "expires_at", "expired", "made_by")


@click.group()
def binding() -> None:
    """Bindings: a role, held by a principal, at a scope."""


@binding.command()
@click.argument("principal")
@click.argument("role")
@click.argument("scope")
@click.option("--expires-in", type=Span(), default=None, help="For a while only: 8h, 30d.")
@asking
def create(asked: Asked, principal: str, role: str, scope: str, expires_in: timedelta | None) -> None:
    """Grant ROLE to PRINCIPAL at SCOPE. Python: `Client.binding.create(principal, role, scope)`."""
    with asked.client() as client:
        asked.show(client.binding.create(principal, role, scope, expires_in=expires_in))


@binding.command("list")
@click.option("--principal", default=None, help="Of this principal only.")
@click.option("--scope", default=None, help="At this scope exactly.")
@asking
def listed(asked: Asked, principal: str | None, scope: str | None) -> None:
    """List who holds which role where. Python: `Client.binding.list()`."""
    with asked.client() as client:
        asked.show(client.binding.list(principal=principal, scope=scope), COLUMNS)


@binding.command()
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3650))
@asking
def idle(asked: Asked, days: int) -> None:
    """List bindings with which nothing was done for some days. Python: `Client.binding.idle(days=90)`."""
    with asked.client() as client:
        asked.show(client.binding.idle(days=days), COLUMNS)


@binding.command()
@click.argument("binding_id", metavar="ID")
@asking
def delete(asked: Asked, binding_id: str) -> None:
    """Revoke a binding. Python: `Client.binding.delete(binding_id)`."""
    with asked.client() as client:
        asked.show(client.binding.delete(binding_id))
