"""`bucle data`: data assets."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage

COLUMNS = ("name", "version", "type", "class", "files", "size", "digest")


@click.group()
def data() -> None:
    """Data assets: named, versioned, immutable."""


@data.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the data asset.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set version=3.")
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
    """Make a version of a data asset. Python: `Client.data.create(file, stage=…)`."""
    with connect(server, home) as client:
        show(client.data.create(file, stage=default_stage(stage), assignments=assignments), output, query)


@data.command("list")
@click.option("-n", "--name", default=None, help="Versions of this asset only.")
@stage_option
@server_options
@output_options
def listed(
    name: str | None,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """List data assets. Python: `Client.data.list(stage=…)`."""
    with connect(server, home) as client:
        show(client.data.list(stage=default_stage(stage), name=name), output, query, COLUMNS)


@data.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@stage_option
@server_options
@output_options
def shown(
    name: str,
    version: str,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Show one version. Python: `Client.data.show(name, version, stage=…)`."""
    with connect(server, home) as client:
        show(client.data.show(name, version, stage=default_stage(stage)), output, query)
