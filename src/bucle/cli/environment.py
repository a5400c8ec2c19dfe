"""`bucle environment`: environments."""

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "version", "type", "digest", "created_by", "created_at")


@click.group()
def environment() -> None:
    """Environments: the packages that jobs and deployments run with."""


@environment.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the environment.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set version=3.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
    """Make a version of an environment. Python: `Client.environment.create(file, stage=…)`."""
    with asked.client() as client:
        asked.show(client.environment.create(file, stage=asked.stage, assignments=assignments))


@environment.command("list")
@click.option("-n", "--name", default=None, help="Versions of this environment only.")
@asking_in_stage
def listed(asked: Asked, name: str | None) -> None:
    """List environments. Python: `Client.environment.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.environment.list(stage=asked.stage, name=name), COLUMNS)


@environment.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@asking_in_stage
def shown(asked: Asked, name: str, version: str) -> None:
    """Show one version. Python: `Client.environment.show(name, version, stage=…)`."""
    with asked.client() as client:
        asked.show(client.environment.show(name, version, stage=asked.stage))
