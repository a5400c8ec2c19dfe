"""`bucle online-endpoint`: addresses that answer scoring requests."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage


@click.group()
def online_endpoint() -> None:
    """Online endpoints: addresses that answer scoring requests."""


@online_endpoint.command("list")
@stage_option
@server_options
@output_options
def listed(stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List endpoints. Python: `Client.online_endpoint.list(stage=…)`."""
    with connect(server, home) as client:
        found = client.online_endpoint.list(stage=default_stage(stage))
        show(found, output, query, ("name", "stage", "scoring_uri", "traffic"))


@online_endpoint.command("show")
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def shown(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Show an endpoint. Python: `Client.online_endpoint.show(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.online_endpoint.show(name, stage=default_stage(stage)), output, query)


@online_endpoint.command("get-credentials")
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def get_credentials(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Read the keys of an endpoint. Python: `Client.online_endpoint.get_credentials(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.online_endpoint.get_credentials(name, stage=default_stage(stage)), output, query)
