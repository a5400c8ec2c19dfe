"""`bucle schedule`: jobs that start by themselves."""

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "stage", "enabled", "next_at", "runs_as", "created_by")


@click.group()
def schedule() -> None:
    """Schedules: jobs that start by themselves."""


@schedule.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the schedule.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set trigger.expression='0 6 * * *'.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
    """Make a schedule. Python: `Client.schedule.create(file, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.create(file, stage=asked.stage, assignments=assignments))


@schedule.command("list")
@asking_in_stage
def listed(asked: Asked) -> None:
    """List schedules. Python: `Client.schedule.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.list(stage=asked.stage), COLUMNS)


@schedule.command("show")
@click.option("-n", "--name", required=True)
@asking_in_stage
def shown(asked: Asked, name: str) -> None:
    """Show a schedule and its firings. Python: `Client.schedule.show(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.show(name, stage=asked.stage))


@schedule.command()
@click.option("-n", "--name", required=True)
@asking_in_stage
def enable(asked: Asked, name: str) -> None:
    """Let a schedule fire. Python: `Client.schedule.enable(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.enable(name, stage=asked.stage))


@schedule.command()
@click.option("-n", "--name", required=True)
@asking_in_stage
def disable(asked: Asked, name: str) -> None:
    """Keep a schedule from firing. Python: `Client.schedule.disable(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.disable(name, stage=asked.stage))


@schedule.command()
@click.option("-n", "--name", required=True)
@asking_in_stage
def trigger(asked: Asked, name: str) -> None:
    """Submit a schedule's job now. Python: `Client.schedule.trigger(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.trigger(name, stage=asked.stage))


@schedule.command()
@click.option("-n", "--name", required=True)
@click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked; for Azure's sake.")
@asking_in_stage
def delete(asked: Asked, name: str) -> None:
    """Remove a schedule. Python: `Client.schedule.delete(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.schedule.delete(name, stage=asked.stage))
