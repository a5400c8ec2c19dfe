"""`bucle promote`, `approve`, `reject`, `rollback`, `inbox` and the noun `promotion`."""

import click

from bucle import errors
from bucle.cli.render import output_options, say, show
from bucle.cli.session import connect, server_options

COLUMNS = ("name", "state", "model", "release", "stage", "requested_by", "reason")


@click.command()
@click.argument("release")
@click.option("--to", required=True, help="The next stage of its path, or that stage's tier.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what would happen; nothing moves.")
@click.option("--wait", "timeout_s", type=float, default=None, help="Wait for its end, so many seconds at most.")
@server_options
@output_options
def promote(
    release: str,
    to: str,
    only_plan: bool,
    timeout_s: float | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Request a promotion of NAME:VERSION or an alias. Python: `Client.promotion.request(release, to)`."""
    with connect(server, home) as client:
        if only_plan:
            show(client.promotion.plan(release, to), output, query)
            return
        begun = client.promotion.request(release, to)
        for check in begun["entry_gate"]:
            say(f"{check['verdict']:<13} {check['name']:<24} {check['measured']}   ({check['rule']})")
        if timeout_s is not None:
            begun = client.promotion.wait(begun["name"], timeout_s=timeout_s)
        show(begun, output, query)
        if begun["state"] == "refused":
            raise errors.Refused("promotion.refused", name=begun["name"], reason=begun["reason"])


@click.command()
@click.argument("name")
@click.option("--acknowledge", multiple=True, help="An inconclusive check that you take on; may be repeated.")
@click.option("--alias", default=None, help="Under governance solo: the release's alias, typed.")
@click.option("--comment", default=None)
@server_options
@output_options
def approve(
    name: str,
    acknowledge: tuple[str, ...],
    alias: str | None,
    comment: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Approve a promotion. Python: `Client.promotion.approve(name)`."""
    with connect(server, home) as client:
        done = client.promotion.approve(name, acknowledge=acknowledge, alias=alias, comment=comment)
        show(done, output, query)


@click.command()
@click.argument("name")
@click.option("--comment", default=None)
@server_options
@output_options
def reject(
    name: str, comment: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Reject a promotion. Python: `Client.promotion.reject(name)`."""
    with connect(server, home) as client:
        show(client.promotion.reject(name, comment=comment), output, query)


@click.command()
@click.argument("endpoint")
@click.option("--stage", required=True)
@server_options
@output_options
def rollback(
    endpoint: str, stage: str, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Send all traffic back to the release before. Python: `Client.promotion.rollback(endpoint, stage=…)`."""
    with connect(server, home) as client:
        show(client.promotion.rollback(endpoint, stage=stage), output, query)


@click.command()
@server_options
@output_options
def inbox(server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List what waits for you. Python: `Client.promotion.inbox()`."""
    with connect(server, home) as client:
        show(client.promotion.inbox(), output, query, ("name", "state", "model", "stage", "you_may"))


@click.group()
def promotion() -> None:
    """Promotions: releases on their way into a stage."""


@promotion.command("list")
@click.option("--stage", required=True)
@server_options
@output_options
def listed(stage: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List promotions into a stage. Python: `Client.promotion.list(stage=…)`."""
    with connect(server, home) as client:
        show(client.promotion.list(stage=stage), output, query, COLUMNS)


@promotion.command("show")
@click.argument("name")
@server_options
@output_options
def shown(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Show a promotion. Python: `Client.promotion.show(name)`."""
    with connect(server, home) as client:
        show(client.promotion.show(name), output, query)


@promotion.command()
@click.argument("name")
@server_options
@output_options
def execute(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Take a promotion for execution. Python: `Client.promotion.execute(name)`."""
    with connect(server, home) as client:
        show(client.promotion.execute(name), output, query)


@promotion.command()
@click.argument("name")
@server_options
@output_options
def cancel(name: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Cancel a promotion. Python: `Client.promotion.cancel(name)`."""
    with connect(server, home) as client:
        show(client.promotion.cancel(name), output, query)
