"""`bucle schedule`: jobs that start by themselves."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage

COLUMNS = ("name", "stage", "enabled", "next_at", "runs_as", "created_by")


@click.group()
def schedule() -> None:
    """Schedules: jobs that start by themselves."""


@schedule.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the schedule.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set trigger.expression='0 6 * * *'.")
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
    """Make a schedule. Python: `Client.schedule.create(file, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.create(file, stage=default_stage(stage), assignments=assignments), output, query)


@schedule.command("list")
@stage_option
@server_options
@output_options
def listed(stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """List schedules. Python: `Client.schedule.list(stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.list(stage=default_stage(stage)), output, query, COLUMNS)


@schedule.command("show")
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def shown(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Show a schedule and its firings. Python: `Client.schedule.show(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.show(name, stage=default_stage(stage)), output, query)


@schedule.command()
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def enable(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Let a schedule fire. Python: `Client.schedule.enable(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.enable(name, stage=default_stage(stage)), output, query)


@schedule.command()
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def disable(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Keep a schedule from firing. Python: `Client.schedule.disable(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.disable(name, stage=default_stage(stage)), output, query)


@schedule.command()
@click.option("-n", "--name", required=True)
@stage_option
@server_options
@output_options
def trigger(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Submit a schedule's job now. Python: `Client.schedule.trigger(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.trigger(name, stage=default_stage(stage)), output, query)


@schedule.command()
@click.option("-n", "--name", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@stage_option
@server_options
@output_options
def delete(
    name: str, stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Remove a schedule. Python: `Client.schedule.delete(name, stage=…)`."""
    with connect(server, home) as client:
        show(client.schedule.delete(name, stage=default_stage(stage)), output, query)
