"""The command line: nouns and verbs of `az ml` and ours, loaded lazily, rendered from what `bucle.Client` returns."""

from bucle.cli.root import main

__all__ = ["main"]
