"""`bucle component`: components."""

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "version", "type", "digest", "created_by", "created_at")


@click.group()
def component() -> None:
    """Components: steps that pipelines reuse."""


@component.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the component.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set version=3.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
    """Make a version of a component. Python: `Client.component.create(file, stage=…)`."""
    with asked.client() as client:
        asked.show(client.component.create(file, stage=asked.stage, assignments=assignments))


@component.command("list")
@click.option("-n", "--name", default=None, help="Versions of this component only.")
@asking_in_stage
def listed(asked: Asked, name: str | None) -> None:
    """List components. Python: `Client.component.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.component.list(stage=asked.stage, name=name), COLUMNS)


@component.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@asking_in_stage
def shown(asked: Asked, name: str, version: str) -> None:
    """Show one version. Python: `Client.component.show(name, version, stage=…)`."""
    with asked.client() as client:
        asked.show(client.component.show(name, version, stage=asked.stage))
