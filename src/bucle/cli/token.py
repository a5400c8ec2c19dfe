"""`bucle token`: API tokens for scripts, CI and MLflow's clients."""

from datetime import timedelta

import click

from bucle.cli.asking import Asked, asking
from bucle.cli.durations import Span
from bucle.cli.render import say

COLUMNS = ("id", "owner", "purpose", "expires_at", "last_used_at")


@click.group()
def token() -> None:
    """Tokens: what a program calls with; never more than its owner holds."""


@token.command()
@click.option("--owner", default=None, help="A service of yours; default: yourself.")
@click.option("--scope", "scopes", multiple=True, help="Only at this scope and below (repeatable).")
@click.option("--action", "actions", multiple=True, help="Only this action (repeatable), such as jobs/submit.")
@click.option("--expires-in", type=Span(), default=None, help="Default 30d; at most 365d, of a service 90d.")
@asking
def create(
    asked: Asked, owner: str | None, scopes: tuple[str, ...], actions: tuple[str, ...], expires_in: timedelta | None
) -> None:
    """Make a token and print its text, this once. Python: `Client.token.create(owner=…, windows=…)`."""
    places = scopes or (("/",) if actions else ())
    windows = [{"scope": scope, "actions": list(actions) or None} for scope in places]
    with asked.client() as client:
        made = client.token.create(owner=owner, windows=windows, expires_in=expires_in)
    asked.show(made)
    if made["token"] is None:
        say(f"its text was lost on the way and is kept nowhere: bucle token revoke {made['id']}, and make another")


@token.command("list")
@click.option("--owner", default=None, help="Of this principal; default: you and your services.")
@asking
def listed(asked: Asked, owner: str | None) -> None:
    """List live tokens. Python: `Client.token.list()`."""
    with asked.client() as client:
        asked.show(client.token.list(owner=owner), COLUMNS)


@token.command()
@click.argument("token_id", metavar="ID")
@asking
def revoke(asked: Asked, token_id: str) -> None:
    """Revoke a token from its next use on. Python: `Client.token.revoke(token_id)`."""
    with asked.client() as client:
        asked.show(client.token.revoke(token_id))
