"""`bucle data`: data assets."""

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "version", "type", "class", "files", "size", "digest")


@click.group()
def data() -> None:
    """Data assets: named, versioned, immutable."""


@data.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the data asset.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set version=3.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
    """Make a version of a data asset. Python: `Client.data.create(file, stage=…)`."""
    with asked.client() as client:
        asked.show(client.data.create(file, stage=asked.stage, assignments=assignments))


@data.command("list")
@click.option("-n", "--name", default=None, help="Versions of this asset only.")
@asking_in_stage
def listed(asked: Asked, name: str | None) -> None:
    """List data assets. Python: `Client.data.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.data.list(stage=asked.stage, name=name), COLUMNS)


@data.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@asking_in_stage
def shown(asked: Asked, name: str, version: str) -> None:
    """Show one version. Python: `Client.data.show(name, version, stage=…)`."""
    with asked.client() as client:
        asked.show(client.data.show(name, version, stage=asked.stage))
