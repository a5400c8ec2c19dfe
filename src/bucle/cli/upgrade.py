"""`bucle upgrade`: what a newer bucle would change in the records, the change with its snapshot, the way back."""

import click

from bucle import config
from bucle.cli.operating import operate
from bucle.cli.render import output_options, say, show


@click.command()
@click.option("--home", default=None, help="State folder.")
@click.option("--plan", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--back", is_flag=True, help="Put the records back as they were before the last upgrade.")
@output_options
def upgrade(home: str | None, output: str | None, query: str | None, *, plan: bool, back: bool) -> int:
    """Bring the records of a stopped server to this bucle's schema: snapshot, migrate, verify, or leave as they were.

    `bucle up` does the same by itself. With --back what was written since the upgrade is left out: then start the
    older bucle.
    """
    if plan and back:
        raise click.UsageError("--plan and --back exclude each other")
    place = ("--home", str(config.find_home(home).root))
    if plan:
        return _show_plan(place, output, query)
    if back:
        done = operate("upgrade-back", *place)
        show(done, output, query)
        say(f"the records are at schema {done['found']} again; start the bucle that they were used with")
        return 0
    done = operate("upgrade", *place)
    show(done, output, query)
    if done["upgraded"]:
        say(f"from schema {done['found']} to {done['known']}; as they were: {done['snapshot']}")
        for chain in done["verified"]["broken_before"]:
            say(f"the chain {chain}; it was so before the upgrade: see `bucle audit verify`")
    else:
        say("the records are at the newest schema")
    return 0


def _show_plan(place: tuple[str, str], output: str | None, query: str | None) -> int:
    told = operate("upgrade-plan", *place)
    show(told, output, query)
    for one in told["revisions"]:
        say(f"  {one['number']}  {one['says']}")
    if told["revisions"]:
        much = f"{told['rows']} rows, {told['size'] / 1e6:.1f} MB, about {max(1, round(told['about_s']))} s"
        say(f"from schema {told['found']} to {told['known']}: {much}; a snapshot goes to {told['snapshot']}")
    else:
        say("the records are at the newest schema")
    return 0
