"""`bucle secret`: values that jobs get in their environment, and that nobody reads back."""

import sys
from typing import BinaryIO

import click

from bucle.cli.asking import Asked, asking, asking_in_stage
from bucle.cli.render import say

COLUMNS = ("name", "version", "set_by", "set_at")


@click.group()
def secret() -> None:
    """Secrets: write-only; a job names one as the value of a variable, `${{secrets.NAME}}`."""


@secret.command("list")
@asking_in_stage
def listed(asked: Asked) -> None:
    """List the secrets of a stage, never what they hold. Python: `Client.secret.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.secret.list(stage=asked.stage), COLUMNS)


@secret.command("set")
@click.argument("name")
@click.option("--from-file", "source", type=click.File("rb"), default=None, help="Read the value here; `-` is stdin.")
@asking_in_stage
def put(asked: Asked, name: str, source: BinaryIO | None) -> None:
    """Set a secret, from a prompt or a file; no option takes its value. Python: `Client.secret.set(name, value)`."""
    value = _typed() if source is None else source.read()
    with asked.client() as client:
        asked.show(client.secret.set(name, value, stage=asked.stage))


@secret.command()
@click.argument("name")
@asking_in_stage
def delete(asked: Asked, name: str) -> None:
    """Delete a secret. Python: `Client.secret.delete(name, stage=…)`."""
    with asked.client() as client:
        asked.show(client.secret.delete(name, stage=asked.stage))


@secret.command("rotate-key")
@asking
def rotate_key(asked: Asked) -> None:
    """Seal every secret under a new key. Python: `Client.secret.rotate_key()`."""
    with asked.client() as client:
        done = client.secret.rotate_key()
    asked.show(done)
    say("copies of the old file of keys open older backups; destroy those that you do not need")


def _typed() -> bytes:
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; pipe the value in with --from-file -")
    typed: str = click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
    return typed.encode()
