"""`bucle online-endpoint`: addresses that answer scoring requests."""

import json
from pathlib import Path

import click

from bucle.cli.asking import Asked, asking_in_stage
from bucle.cli.render import show


@click.group()
def online_endpoint() -> None:
    """Online endpoints: addresses that answer scoring requests."""


@online_endpoint.command("list")
@asking_in_stage
def listed(asked: Asked) -> None:
    """List endpoints. Python: `Client.online_endpoint.list(stage=…)`."""
    with asked.client() as client:
        found = client.online_endpoint.list(stage=asked.stage)
        asked.show(found, ("name", "stage", "scoring_uri", "traffic"))


@online_endpoint.command("show")
@click.option("-n", "--name", required=True)
@asking_in_stage
def shown(asked: Asked, name: str) -> None:
    """Show an endpoint. Python: `Client.online_endpoint.show(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.online_endpoint.show(name, stage=asked.stage))


@online_endpoint.command("get-credentials")
@click.option("-n", "--name", required=True)
@asking_in_stage
def get_credentials(asked: Asked, name: str) -> None:
    """Read the keys of an endpoint. Python: `Client.online_endpoint.get_credentials(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.online_endpoint.get_credentials(name, stage=asked.stage))


@online_endpoint.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the endpoint.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set name=other.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
    """Make an endpoint. Python: `Client.online_endpoint.create(file, stage=…)`."""
    with asked.client() as client:
        made = client.online_endpoint.create(file, stage=asked.stage, assignments=assignments)
        asked.show(made)


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-f", "--file", "file", default=None, help="YAML of the endpoint.")
@click.option("--traffic", default=None, help="Percent by deployment: blue=90,green=10.")
@asking_in_stage
def update(asked: Asked, name: str, file: str | None, traffic: str | None) -> None:
    """Change an endpoint or move its traffic. Python: `Client.online_endpoint.update(name, traffic=…)`."""
    shares = None if traffic is None else _shares(traffic)
    with asked.client() as client:
        found = client.online_endpoint.update(name, stage=asked.stage, file=file, traffic=shares)
        asked.show(found)


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@asking_in_stage
def delete(asked: Asked, name: str) -> None:
    """Remove an endpoint without deployments. Python: `Client.online_endpoint.delete(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.online_endpoint.delete(name, stage=asked.stage))


@online_endpoint.command()
@click.option("-n", "--name", required=True)
@click.option("-r", "--request-file", "file", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("-d", "--deployment-name", "deployment", default=None, help="Ask this deployment, whatever its traffic.")
@asking_in_stage
def invoke(asked: Asked, name: str, file: str, deployment: str | None) -> None:
    """Send a request to an endpoint. Python: `Client.online_endpoint.invoke(name, request, stage=…)`."""
    try:
        request = json.loads(Path(file).read_bytes())
    except ValueError as fault:
        raise click.UsageError(f"{file} is not JSON: {fault}") from fault
    with asked.client() as client:
        answer = client.online_endpoint.invoke(name, request, stage=asked.stage, deployment=deployment)
        show(answer, asked.output or "json", asked.query)


def _shares(text: str) -> dict[str, int]:
    """Return `blue=90,green=10` (or with blanks, as Azure has it) as percent by deployment."""
    shares = {}
    for pair in text.replace(",", " ").split():
        name, _, percent = pair.partition("=")
        if not (name and percent.isdecimal()):
            raise click.UsageError(f"--traffic takes NAME=PERCENT, not {pair!r}")
        shares[name] = int(percent)
    return shares
