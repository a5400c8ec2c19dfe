"""`bucle job`: submit, follow, list, show, cancel."""

import sys

import click

from bucle.cli.asking import Asked, asking_in_stage
from bucle.cli.render import say
from bucle.cli.session import connect, server_options, stage_option
from bucle.client import Client
from bucle.config import default_stage

COLUMNS = ("name", "status", "type", "display_name", "experiment_name", "created_by", "created_at")


@click.group()
def job() -> None:
    """Jobs: commands and pipelines in Azure ML v2 YAML."""


@job.command()
@click.option("-f", "--file", "file", required=True, help="YAML of the job.")
@click.option("--set", "assignments", multiple=True, help="Override a field: --set inputs.alpha=0.5.")
@click.option("--stream", is_flag=True, help="Follow the log; leave with the job's verdict.")
@asking_in_stage
def create(asked: Asked, file: str, assignments: tuple[str, ...], stream: bool) -> None:
    """Submit a job. Python: `Client.job.create(file, stage=…)`."""
    with asked.client() as client:
        made = client.job.create(file, stage=asked.stage, assignments=assignments)
        if not stream:
            asked.show(made)
            return
        say(f"job {made['name']} submitted to {made['stage']}")
        follow(client, made["name"], made["stage"])


@job.command("stream")
@click.option("-n", "--name", required=True)
@stage_option
@server_options
def streamed(name: str, stage: str | None, server: str | None, home: str | None) -> None:
    """Follow a job's log to its end. Python: `Client.job.stream(name, stage=…)`."""
    with connect(server, home) as client:
        follow(client, name, default_stage(stage))


@job.command("log")
@click.option("-n", "--name", required=True)
@click.option("--step", default=None, help="The step; default: the last that has started.")
@stage_option
@server_options
def logged(name: str, step: str | None, stage: str | None, server: str | None, home: str | None) -> None:
    """Print a step's log as it is now. Python: `Client.job.log(name, stage=…)`."""
    with connect(server, home) as client:
        offset = 0
        while piece := client.job.log(name, stage=default_stage(stage), step=step, offset=offset):
            offset += len(piece)
            sys.stdout.buffer.write(piece)


@job.command("list")
@asking_in_stage
def listed(asked: Asked) -> None:
    """List jobs, newest first. Python: `Client.job.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.job.list(stage=asked.stage), COLUMNS)


@job.command("show")
@click.option("-n", "--name", required=True)
@asking_in_stage
def shown(asked: Asked, name: str) -> None:
    """Show a job and its steps. Python: `Client.job.show(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.job.show(name, stage=asked.stage))


@job.command()
@click.option("-n", "--name", required=True)
@asking_in_stage
def why(asked: Asked, name: str) -> None:
    """Say what a job waits for, or why it failed. Python: `Client.job.why(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.job.why(name, stage=asked.stage))


@job.command()
@click.option("-n", "--name", required=True)
@asking_in_stage
def cancel(asked: Asked, name: str) -> None:
    """Ask a job to stop. Python: `Client.job.cancel(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.job.cancel(name, stage=asked.stage))


def follow(client: Client, name: str, stage: str) -> None:
    """Write a job's log to stdout as it comes; an interruption leaves the job running, and says so."""
    try:
        for piece in client.job.stream(name, stage=stage):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        say(f"the job {name} goes on; stop it with `bucle job cancel -n {name} --stage {stage}`")
        raise click.Abort from None
