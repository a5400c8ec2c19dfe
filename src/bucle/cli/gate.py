"""`bucle gate`: what a release must prove before a stage lets it in."""

import click

from bucle.cli.asking import Asked, asking, asking_in_stage


@click.group()
def gate() -> None:
    """Gates: one a stage, owned by the stage."""


@gate.command("set")
@click.option("-f", "--file", "file", required=True, help="gate.yml; it names its stage.")
@asking
def set_gate(asked: Asked, file: str) -> None:
    """Give a stage its gate. Python: `Client.gate.set(file)`."""
    with asked.client() as client:
        asked.show(client.gate.set(file))


@gate.command("show")
@asking_in_stage
def shown(asked: Asked) -> None:
    """Show the gate of a stage. Python: `Client.gate.show(stage=…)`."""
    with asked.client() as client:
        asked.show(client.gate.show(stage=asked.stage))
