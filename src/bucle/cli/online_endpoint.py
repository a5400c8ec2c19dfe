"""`bucle online-endpoint`: addresses that answer scoring requests."""

import json
from pathlib import Path

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


@online_endpoint.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the endpoint.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set name=other.")
@stage_option
@server_options
@output_options
def create(
    file: str,
    assignments: tuple[str, ...],
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Make an endpoint. Python: `Client.online_endpoint.create(file, stage=…)`."""
    with connect(server, home) as client:
        made = client.online_endpoint.create(file, stage=default_stage(stage), assignments=assignments)
        show(made, output, query)


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-f", "--file", "file", default=None, help="YAML of the endpoint.")
@click.option("--traffic", default=None, help="Percent by deployment: blue=90,green=10.")
@stage_option
@server_options
@output_options
def update(
    name: str,
    file: str | None,
    traffic: str | None,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Change an endpoint or move its traffic. Python: `Client.online_endpoint.update(name, traffic=…)`."""
    shares = None if traffic is None else _shares(traffic)
    with connect(server, home) as client:
        found = client.online_endpoint.update(name, stage=default_stage(stage), file=file, traffic=shares)
        show(found, output, query)


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@stage_option
@server_options
@output_options
def delete(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Remove an endpoint without deployments. Python: `Client.online_endpoint.delete(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.online_endpoint.delete(name, stage=default_stage(stage)), output, query)


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-r", "--request-file", "file", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("-d", "--deployment-name", "deployment", default=None, help="Ask this deployment, whatever its traffic.")
@stage_option
@server_options
@output_options
def invoke(
    name: str,
    file: str,
    deployment: str | None,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Send a request to an endpoint. Python: `Client.online_endpoint.invoke(name, request, stage=…)`."""
    try:
        request = json.loads(Path(file).read_bytes())
    except ValueError as fault:
        raise click.UsageError(f"{file} is not JSON: {fault}") from fault
    with connect(server, home) as client:
        answer = client.online_endpoint.invoke(name, request, stage=default_stage(stage), deployment=deployment)
        show(answer, output or "json", query)


def _shares(text: str) -> dict[str, int]:
    """Return `blue=90,green=10` (or with blanks, as Azure has it) as percent by deployment."""
    shares = {}
    for pair in text.replace(",", " ").split():
        name, _, percent = pair.partition("=")
        if not (name and percent.isdecimal()):
            raise click.UsageError(f"--traffic takes NAME=PERCENT, not {pair!r}")
        shares[name] = int(percent)
    return shares
