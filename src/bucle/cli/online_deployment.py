"""`bucle online-deployment`: models behind endpoints."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage

COLUMNS = ("name", "model", "state", "traffic", "requests", "errors", "p95_ms", "cost")


@click.group()
def online_deployment() -> None:
    """Online deployments: models behind endpoints."""


@online_deployment.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the deployment.")
@click.option("-e", "--endpoint-name", "endpoint", default=None, help="Default: `endpoint_name` of the file.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set name=green.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is ready.")
@stage_option
@server_options
@output_options
def create(
    file: str,
    endpoint: str | None,
    assignments: tuple[str, ...],
    no_wait: bool,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Put a registered model behind an endpoint. Python: `Client.online_deployment.create(file, stage=…)`."""
    place = default_stage(stage)
    with connect(server, home) as client:
        made = client.online_deployment.create(file, stage=place, endpoint=endpoint, assignments=assignments)
        if not no_wait:
            made = client.online_deployment.wait(made["endpoint_name"], made["name"], stage=place)
        show(made, output, query)


@online_deployment.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the deployment.")
@click.option("-e", "--endpoint-name", "endpoint", default=None, help="Default: `endpoint_name` of the file.")
@click.option("--set", "assignments", multiple=True, help="Override a field.")
@stage_option
@server_options
@output_options
def update(
    file: str,
    endpoint: str | None,
    assignments: tuple[str, ...],
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Change a deployment. Python: `Client.online_deployment.update(file, stage=…)`."""
    with connect(server, home) as client:
        done = client.online_deployment.update(
            file, stage=default_stage(stage), endpoint=endpoint, assignments=assignments
        )
        show(done, output, query)


@online_deployment.command()
@click.option("-n", "--name", required=True)
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@stage_option
@server_options
@output_options
def delete(
    name: str,
    endpoint: str,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Remove a deployment that gets no traffic. Python: `Client.online_deployment.delete(endpoint, name)`."""
    with connect(server, home) as client:
        show(client.online_deployment.delete(endpoint, name, stage=default_stage(stage)), output, query)


@online_deployment.command("list")
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@stage_option
@server_options
@output_options
def listed(
    endpoint: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """List the deployments of an endpoint. Python: `Client.online_deployment.list(endpoint, stage=…)`."""
    with connect(server, home) as client:
        show(client.online_deployment.list(endpoint, stage=default_stage(stage)), output, query, COLUMNS)


@online_deployment.command("show")
@click.option("-n", "--name", required=True)
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@stage_option
@server_options
@output_options
def shown(
    name: str,
    endpoint: str,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Show a deployment. Python: `Client.online_deployment.show(endpoint, name, stage=…)`."""
    with connect(server, home) as client:
        show(client.online_deployment.show(endpoint, name, stage=default_stage(stage)), output, query)


@online_deployment.command("get-logs")
@click.option("-n", "--name", required=True)
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@click.option("-l", "--lines", type=click.IntRange(1, 5000), default=50, show_default=True)
@stage_option
@server_options
def get_logs(name: str, endpoint: str, lines: int, stage: str | None, server: str | None, home: str | None) -> None:
    """Print what a deployment's worker wrote. Python: `Client.online_deployment.get_logs(endpoint, name)`."""
    with connect(server, home) as client:
        click.echo(client.online_deployment.get_logs(endpoint, name, stage=default_stage(stage), lines=lines))
