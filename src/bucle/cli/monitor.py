"""`bucle monitor` and `bucle label`."""

import json
from pathlib import Path

import click

from bucle import errors
from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options


@click.group()
def monitor() -> None:
    """Monitors: what closed windows said of what was served."""


@monitor.command("show")
@click.argument("endpoint")
@click.option("--stage", required=True)
@server_options
@output_options
def shown(
    endpoint: str, stage: str, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Show the history of every signal. Python: `Client.monitor.show(endpoint, stage=…)`."""
    with connect(server, home) as client:
        show(client.monitor.show(endpoint, stage=stage), output, query)


@monitor.command()
@click.argument("endpoint")
@click.option("--at", required=True, help="An instant of event time, as 2026-03-01T00:00:00Z.")
@click.option("--stage", required=True)
@server_options
@output_options
def watermark(
    endpoint: str, at: str, stage: str, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """State that all earlier events were sent. Python: `Client.monitor.watermark(endpoint, at, stage=…)`."""
    with connect(server, home) as client:
        show(client.monitor.watermark(endpoint, at, stage=stage), output, query)


@click.group()
def label() -> None:
    """Labels: what predictions should have been, when that is known."""


@label.command()
@click.argument("endpoint")
@click.option("-f", "--file", "file", required=True, help="JSON lines: correlation_id, label, labelled_at.")
@click.option("--stage", required=True)
@server_options
@output_options
def create(
    endpoint: str, file: str, stage: str, server: str | None, home: str | None, output: str | None, query: str | None
) -> None:
    """Send labels. Python: `Client.label.create(endpoint, labels, stage=…)`."""
    with connect(server, home) as client:
        show(client.label.create(endpoint, _read(Path(file)), stage=stage), output, query)


def _read(path: Path) -> list[dict[str, object]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as fault:
        raise errors.BadRequest("content.unreadable", path=path, why=str(fault)) from fault
