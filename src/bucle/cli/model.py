"""`bucle model`: package, list, show, share."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage

COLUMNS = ("name", "version", "type", "class", "size", "job", "digest")


@click.group()
def model() -> None:
    """Models: packaged, evaluated, each born with its release."""


@model.command()
@click.option("--from-job", "job", required=True, help="The completed job that made it; its code holds release.yml.")
@click.option("-n", "--name", default=None, help="Default: the name in release.yml.")
@click.option("-v", "--version", default=None, help="Default: the next number.")
@click.option("--no-wait", is_flag=True, help="Return when packaging has begun.")
@stage_option
@server_options
@output_options
def create(
    job: str,
    name: str | None,
    version: str | None,
    no_wait: bool,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Package the model that a job made. Python: `Client.model.create(job, stage=…)`."""
    with connect(server, home) as client:
        begun = client.model.create(job, stage=default_stage(stage), name=name, version=version)
        if not no_wait:
            begun = client.model.wait(begun["name"], begun["version"], stage=default_stage(stage))
        show(begun, output, query)


@model.command("list")
@click.option("-n", "--name", default=None)
@stage_option
@server_options
@output_options
def listed(
    name: str | None, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """List model versions. Python: `Client.model.list(stage=…)`."""
    with connect(server, home) as client:
        show(client.model.list(stage=default_stage(stage), name=name), output, query, COLUMNS)


@model.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@click.option("--lineage", "wanted", is_flag=True, help="Where it comes from.")
@stage_option
@server_options
@output_options
def shown(
    name: str,
    version: str,
    wanted: bool,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Show a version with its release. Python: `Client.model.show(name, version)`, `Client.model.lineage(…)`."""
    with connect(server, home) as client:
        look = client.model.lineage if wanted else client.model.show
        show(look(name, version, stage=default_stage(stage)), output, query)


@model.command()
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", required=True)
@click.option("--registry-name", "registry", required=True)
@stage_option
@server_options
@output_options
def share(
    name: str,
    version: str,
    registry: str,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Share a version to a registry. Python: `Client.model.share(name, version, registry)`."""
    with connect(server, home) as client:
        show(client.model.share(name, version, registry, stage=default_stage(stage)), output, query)


@model.command()
@click.option("-n", "--name", required=True)
@click.option("--as-of", default=None, help="An instant, as 2026-03-01T00:00:00Z.")
@stage_option
@server_options
@output_options
def history(
    name: str,
    as_of: str | None,
    stage: str | None,
    server: str | None,
    home: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """Show what served when. Python: `Client.model.history(name, stage=…, as_of=…)`."""
    with connect(server, home) as client:
        show(client.model.history(name, stage=default_stage(stage), as_of=as_of), output, query)
