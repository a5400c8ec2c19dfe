"""`bucle audit`: the chains of events, and what shows later that they were touched."""

import json
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import click

from bucle import errors
from bucle.cli.asking import Asked, asking
from bucle.cli.render import say
from bucle.cli.session import connect, server_options

COLUMNS = ("seq", "at", "who", "via", "what", "subject")


@click.group()
def audit() -> None:
    """Events: who did what, in hash-chained lines."""


@audit.command()
@click.option("--anchor", type=click.Path(path_type=Path), help="Signed heads kept earlier: an anchor, an export.")
@asking
def verify(asked: Asked, anchor: Path | None) -> None:
    """Recompute every chain; leave with 7 when one is broken. Python: `Client.audit.verify()`, `….compare(anchor)`.

    A tail that was cut off or rewritten with its head shows only against an anchor that was kept elsewhere.
    """
    with asked.client() as client:
        found = client.audit.verify() if anchor is None else client.audit.compare(_last_anchor(anchor))
    asked.show(found)
    for row in found["chains"]:
        if row["why"]:
            raise errors.PlatformFault("audit.broken", chain=row["chain"], seq=row["broken_at"], why=row["why"])


@audit.command("list")
@click.option("--chain", default="platform", show_default=True, help="A stage's name, or `platform`.")
@asking
def listed(asked: Asked, chain: str) -> None:
    """List the lines of a chain, oldest first. Python: `Client.audit.list(chain)`."""
    with asked.client() as client:
        asked.show(client.audit.list(chain), COLUMNS)


@audit.command()
@asking
def anchor(asked: Asked) -> None:
    """Print the signed heads of all chains, to be kept elsewhere. Python: `Client.audit.anchor()`."""
    with asked.client() as client:
        asked.show(client.audit.anchor())


@audit.command()
@click.option("-o", "--to", "target", type=click.File("w"), required=True, help="A file, or `-`.")
@server_options
def export(target: TextIO, server: str | None, home: str | None) -> None:
    """Write every line of every chain as JSON, then the signed heads. Python: `Client.audit.export(chain)`."""
    with connect(server, home) as client:
        signed = client.audit.anchor()
        heads = [(row["chain"], row["anchored"]) for row in client.audit.compare(signed)["chains"]]
        for chain, count in heads:
            target.writelines(json.dumps(line) + "\n" for line in islice(client.audit.export(chain), count))
        target.write(json.dumps({"anchor": signed}) + "\n")
    say(f"{sum(count for _, count in heads)} lines; the last is the anchor, for `bucle audit verify --anchor`")


@audit.command()
@asking
def key(asked: Asked) -> None:
    """Print the public keys that verify what the platform signs. Python: `Client.audit.key()`."""
    with asked.client() as client:
        asked.show(client.audit.key())


def _last_anchor(file: Path) -> dict[str, Any]:
    """Return the newest anchor of a file: of an anchor, an export, or the server's own list of heads."""
    try:
        text = file.read_text(encoding="utf-8")
        lines = [text] if text.lstrip().startswith("{\n") else text.strip().splitlines()
        found = json.loads(lines[-1])
        anchored: dict[str, Any] = found.get("anchor", found)
    except (OSError, ValueError, IndexError, AttributeError) as fault:
        raise errors.BadRequest("audit.no_anchor", file=file, why=fault) from fault
    return anchored
