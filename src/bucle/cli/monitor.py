"""`bucle monitor` and `bucle label`."""

import json
from pathlib import Path

import click

from bucle import errors
from bucle.cli.asking import Asked, asking


@click.group()
def monitor() -> None:
    """Monitors: what closed windows said of what was served."""


@monitor.command("show")
@click.argument("endpoint")
@click.option("--stage", required=True)
@asking
def shown(asked: Asked, endpoint: str, stage: str) -> None:
    """Show the history of every signal. Python: `Client.monitor.show(endpoint, stage=…)`."""
    with asked.client() as client:
        asked.show(client.monitor.show(endpoint, stage=stage))


@monitor.command()
@click.argument("endpoint")
@click.option("--at", required=True, help="An instant of event time, as 2026-03-01T00:00:00Z.")
@click.option("--stage", required=True)
@asking
def watermark(asked: Asked, endpoint: str, at: str, stage: str) -> None:
    """State that all earlier events were sent. Python: `Client.monitor.watermark(endpoint, at, stage=…)`."""
    with asked.client() as client:
        asked.show(client.monitor.watermark(endpoint, at, stage=stage))


@click.group()
def label() -> None:
    """Labels: what predictions should have been, when that is known."""


@label.command()
@click.argument("endpoint")
@click.option("-f", "--file", "file", required=True, help="JSON lines: correlation_id, label, labelled_at.")
@click.option("--stage", required=True)
@asking
def create(asked: Asked, endpoint: str, file: str, stage: str) -> None:
    """Send labels. Python: `Client.label.create(endpoint, labels, stage=…)`."""
    with asked.client() as client:
        asked.show(client.label.create(endpoint, _read(Path(file)), stage=stage))


def _read(path: Path) -> list[dict[str, object]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as fault:
        raise errors.BadRequest("content.unreadable", path=path, why=str(fault)) from fault
