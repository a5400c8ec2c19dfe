"""`bucle promote`, `approve`, `reject`, `rollback`, `inbox` and the noun `promotion`."""

import click

from bucle import errors
from bucle.cli.asking import Asked, asking
from bucle.cli.render import say

COLUMNS = ("name", "state", "model", "release", "stage", "requested_by", "reason")


@click.command()
@click.argument("release")
@click.option("--to", required=True, help="The next stage of its path, or that stage's tier.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what would happen; nothing moves.")
@click.option("--wait", "timeout_s", type=float, default=None, help="Wait for its end, so many seconds at most.")
@asking
def promote(asked: Asked, release: str, to: str, only_plan: bool, timeout_s: float | None) -> None:
    """Request a promotion of NAME:VERSION or an alias. Python: `Client.promotion.request(release, to)`."""
    with asked.client() as client:
        if only_plan:
            asked.show(client.promotion.plan(release, to))
            return
        begun = client.promotion.request(release, to)
        for check in begun["entry_gate"]:
            say(f"{check['verdict']:<13} {check['name']:<24} {check['measured']}   ({check['rule']})")
        if timeout_s is not None:
            begun = client.promotion.wait(begun["name"], timeout_s=timeout_s)
        asked.show(begun)
        if begun["state"] == "refused":
            raise errors.Refused("promotion.refused", name=begun["name"], reason=begun["reason"])


@click.command()
@click.argument("name")
@click.option("--acknowledge", multiple=True, help="An inconclusive check that you take on; may be repeated.")
@click.option("--alias", default=None, help="Under governance solo: the release's alias, typed.")
@click.option("--comment", default=None)
@asking
def approve(asked: Asked, name: str, acknowledge: tuple[str, ...], alias: str | None, comment: str | None) -> None:
    """Approve a promotion. Python: `Client.promotion.approve(name)`."""
    with asked.client() as client:
        done = client.promotion.approve(name, acknowledge=acknowledge, alias=alias, comment=comment)
        asked.show(done)


@click.command()
@click.argument("name")
@click.option("--comment", default=None)
@asking
def reject(asked: Asked, name: str, comment: str | None) -> None:
    """Reject a promotion. Python: `Client.promotion.reject(name)`."""
    with asked.client() as client:
        asked.show(client.promotion.reject(name, comment=comment))


@click.command()
@click.argument("endpoint")
@click.option("--stage", required=True)
@asking
def rollback(asked: Asked, endpoint: str, stage: str) -> None:
    """Send all traffic back to the release before. Python: `Client.promotion.rollback(endpoint, stage=…)`."""
    with asked.client() as client:
        asked.show(client.promotion.rollback(endpoint, stage=stage))


@click.command()
@asking
def inbox(asked: Asked) -> None:
    """List what waits for you. Python: `Client.promotion.inbox()`."""
    with asked.client() as client:
        asked.show(client.promotion.inbox(), ("name", "state", "model", "stage", "you_may"))


@click.group()
def promotion() -> None:
    """Promotions: releases on their way into a stage."""


@promotion.command("list")
@click.option("--stage", required=True)
@asking
def listed(asked: Asked, stage: str) -> None:
    """List promotions into a stage. Python: `Client.promotion.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.promotion.list(stage=stage), COLUMNS)


@promotion.command("show")
@click.argument("name")
@asking
def shown(asked: Asked, name: str) -> None:
    """Show a promotion. Python: `Client.promotion.show(name)`."""
    with asked.client() as client:
        asked.show(client.promotion.show(name))


@promotion.command()
@click.argument("name")
@asking
def execute(asked: Asked, name: str) -> None:
    """Take a promotion for execution. Python: `Client.promotion.execute(name)`."""
    with asked.client() as client:
        asked.show(client.promotion.execute(name))


@promotion.command()
@click.argument("name")
@asking
def cancel(asked: Asked, name: str) -> None:
    """Cancel a promotion. Python: `Client.promotion.cancel(name)`."""
    with asked.client() as client:
        asked.show(client.promotion.cancel(name))
