"""`bucle disk`, `bucle gc`: where the bytes of a state folder are, and the ones that nothing needs any more."""

from datetime import timedelta

import click

from bucle import config
from bucle.cli.durations import Span
from bucle.cli.operating import operate
from bucle.cli.render import output_options, say, show

COLUMNS = ("workspace", "kind", "files", "count", "bytes")


@click.command()
@click.option("--home", default=None, help="State folder.")
@output_options
def disk(home: str | None, output: str | None, query: str | None) -> int:
    """Show the bytes of a state folder by workspace and kind; environments by tier, "-" is of all."""
    told = operate("disk", "--home", str(config.find_home(home).root))
    show(told["value"], output, query, COLUMNS)
    say(f"{told['bytes'] / 1e6:.1f} MB")
    return 0


@click.command()
@click.option("--home", default=None, help="State folder.")
@click.option("--plan", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--grace", type=Span(), default="7d", show_default=True, help="Leave what was touched since.")
@output_options
def gc(home: str | None, grace: timedelta, output: str | None, query: str | None, *, plan: bool) -> int:
    """Remove objects, data, environments, models and attempts that no record names; its server may run meanwhile.

    What a record names is never removed, however old it is.
    """
    grace_s = str(grace.total_seconds())
    told = operate("gc-plan" if plan else "gc", "--home", str(config.find_home(home).root), "--grace-s", grace_s)
    show(told["value"], output, query, COLUMNS)
    say(f"{told['count']} things, {told['bytes'] / 1e6:.1f} MB {'would go' if plan else 'removed'}")
    return 0
