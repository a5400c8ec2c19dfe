"""`bucle db`: where the records are kept, and moving them to PostgreSQL or back."""

import click

from bucle import config
from bucle.cli.operating import operate
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
    moved = operate("move", "--home", str(place.root), records=to)["tables"]
    show(moved, output, query, ("table", "rows", "digest"))
    say(f"{sum(one['rows'] for one in moved)} rows are the same on both sides; `bucle up` uses the new database")
    return 0
