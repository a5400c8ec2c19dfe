"""`bucle online-deployment`: models behind endpoints."""

import click

from bucle.cli.asking import Asked, asking_in_stage
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage

COLUMNS = (
    "name", "model", "state", "traffic", "requests", "errors", "p50_ms", "p95_ms", "cpu_s", "rss_bytes", "cost",
)  # fmt: skip


@click.group()
def online_deployment() -> None:
    """Online deployments: models behind endpoints."""


@online_deployment.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the deployment.")
@click.option("-e", "--endpoint-name", "endpoint", default=None, help="Default: `endpoint_name` of the file.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set name=green.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is ready.")
@asking_in_stage
def create(asked: Asked, file: str, endpoint: str | None, assignments: tuple[str, ...], no_wait: bool) -> None:
    """Put a registered model behind an endpoint. Python: `Client.online_deployment.create(file, stage=…)`."""
    place = asked.stage
    with asked.client() as client:
        made = client.online_deployment.create(file, stage=place, endpoint=endpoint, assignments=assignments)
        if not no_wait:
            made = client.online_deployment.wait(made["endpoint_name"], made["name"], stage=place)
        asked.show(made)


@online_deployment.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the deployment.")
@click.option("-e", "--endpoint-name", "endpoint", default=None, help="Default: `endpoint_name` of the file.")
@click.option("--set", "assignments", multiple=True, help="Override a field.")
@asking_in_stage
def update(asked: Asked, file: str, endpoint: str | None, assignments: tuple[str, ...]) -> None:
    """Change a deployment. Python: `Client.online_deployment.update(file, stage=…)`."""
    with asked.client() as client:
        done = client.online_deployment.update(file, stage=asked.stage, endpoint=endpoint, assignments=assignments)
        asked.show(done)


@online_deployment.command()
@click.option("-n", "--name", required=True)
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@asking_in_stage
def delete(asked: Asked, name: str, endpoint: str) -> None:
    """Remove a deployment that gets no traffic. Python: `Client.online_deployment.delete(endpoint, name)`."""
    with asked.client() as client:
        asked.show(client.online_deployment.delete(endpoint, name, stage=asked.stage))


@online_deployment.command("list")
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@asking_in_stage
def listed(asked: Asked, endpoint: str) -> None:
    """List the deployments of an endpoint. Python: `Client.online_deployment.list(endpoint, stage=…)`."""
    with asked.client() as client:
        asked.show(client.online_deployment.list(endpoint, stage=asked.stage), COLUMNS)


@online_deployment.command("show")
@click.option("-n", "--name", required=True)
@click.option("-e", "--endpoint-name", "endpoint", required=True)
@asking_in_stage
def shown(asked: Asked, name: str, endpoint: str) -> None:
    """Show a deployment. Python: `Client.online_deployment.show(endpoint, name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.online_deployment.show(endpoint, name, stage=asked.stage))


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
