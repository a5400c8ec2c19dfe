"""`bucle db`: where the records are kept, and moving them to PostgreSQL or back."""

import subprocess
import sys

import click

from bucle import config, errors
from bucle.cli.life import refusal_in
from bucle.cli.render import output_options, say, show


@click.group()
def db() -> None:
    """The database of the records."""


@db.command()
@click.option("--home", default=None, help="State folder.")
@click.option("--to", required=True, help="postgresql://USER:PASSWORD@HOST/DATABASE of an empty database.")
@output_options
def migrate(home: str | None, to: str, output: str | None, query: str | None) -> int:
    """Move the records of a stopped server to another database, compare both sides row by row, then switch.

    Nothing is switched unless every table is the same on both sides; the old records stay where they are.
    """
    place = config.find_home(home)
    command = [sys.executable, "-m", "bucle.server", "--home", str(place.root), "--move-records"]
    done = subprocess.run(command, env=config.with_records(to), capture_output=True, text=True, check=False)
    if done.returncode:
        refusal = refusal_in(done.stderr)
        raise refusal or errors.PlatformFault("server.did_not_start", why="the move failed", log=place.log)
    moved = [dict(zip(("table", "rows", "digest"), line.split("\t"), strict=True)) for line in done.stdout.splitlines()]
    show(moved, output, query, ("table", "rows", "digest"))
    say(f"{sum(int(one['rows']) for one in moved)} rows are the same on both sides; `bucle up` uses the new database")
    return 0
