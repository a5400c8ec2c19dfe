"""`bucle demo`: becomes `python -m bucle.demo`, which is a client like any other."""

import os
import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Walk one real model through the platform, in ./bucle-demo."""
    os.execv(sys.executable, [sys.executable, "-m", "bucle.demo", *arguments])  # noqa: S606  our own module, no shell
