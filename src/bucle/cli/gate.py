"""`bucle gate`: what a release must prove before a stage lets it in."""

import click

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.config import default_stage


@click.group()
def gate() -> None:
    """Gates: one a stage, owned by the stage."""


@gate.command("set")
@click.option("-f", "--file", "file", required=True, help="gate.yml; it names its stage.")
@server_options
@output_options
def set_gate(file: str, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Give a stage its gate. Python: `Client.gate.set(file)`."""
    with connect(server, home) as client:
        show(client.gate.set(file), output, query)


@gate.command("show")
@stage_option
@server_options
@output_options
def shown(stage: str | None, server: str | None, home: str | None, output: str | None, query: str | None) -> None:
    """Show the gate of a stage. Python: `Client.gate.show(stage=…)`."""
    with connect(server, home) as client:
        show(client.gate.show(stage=default_stage(stage)), output, query)
