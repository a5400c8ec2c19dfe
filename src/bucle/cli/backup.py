"""`bucle backup`, `bucle restore`: what a state folder holds, kept elsewhere while it is used, and brought back."""

import sys
from pathlib import Path
from typing import Any

import click

from bucle import config, errors
from bucle.cli.operating import operate
from bucle.cli.render import output_options, say, show

CHECK_COLUMNS = ("check", "ok", "looked_at", "took_s", "wrong")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--home", default=None, help="State folder.")
@click.option("--with-secret-keys", is_flag=True, help="Include the keys that open secrets and those that sign.")
@output_options
def backup(folder: Path, home: str | None, output: str | None, query: str | None, *, with_secret_keys: bool) -> int:
    """Back up a state folder into FOLDER, new or empty; its server, if one runs, goes on.

    FOLDER is as secret as the state folder: it holds its key file and the administrator's token. The keys of secrets
    and of signatures are left out unless you ask for them: keep a copy of secret-keys.json elsewhere.
    """
    place = config.find_home(home)
    done = operate(
        "backup", "--folder", str(folder), "--home", str(place.root), *(("--secret-keys",) if with_secret_keys else ())
    )
    show(done, output, query)
    _name_outside(done)
    say(f"{done['rows']} rows, {done['files']} files; try it: `bucle restore {folder} --drill`")
    return 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--home", default=None, help="The new state folder; it must not hold anything.")
@click.option("--records", default=None, help="postgresql://… of an empty database for the records. Default: a file.")
@click.option("--drill", is_flag=True, help="Restore into a scratch folder, serve it, check it, remove it.")
@output_options
def restore(
    folder: Path, home: str | None, records: str | None, drill: bool, output: str | None, query: str | None
) -> int:
    """Restore the backup in FOLDER into a new state folder, or only try it out with --drill.

    Every file is compared with its digest first. The old server must not run any more: what was unfinished is begun
    again. With --drill nothing is: leave with 1 when something is missing or different.
    """
    if drill:
        if home is not None or records is not None:
            raise click.UsageError("--drill takes neither --home nor --records: it uses a folder of its own")
        return _show_drill(operate("drill", "--folder", str(folder)), output, query)
    if home is None:
        raise errors.BadRequest("backup.no_home")
    done = operate("restore", "--folder", str(folder), "--home", home, records=records)
    show(done, output, query)
    _name_outside(done)
    for environment in done["not_built"]:
        say(f"not built: {environment}; see {done['home']}/log/restore.log. The next job that asks for it builds it")
    if done["secrets"] and not done["secret_keys"]:
        say(
            f"secrets open once their keys are back ({done['secrets']}): put secret-keys.json into {done['home']}, 0600"
        )
    say(f"restored as of {done['taken_at']}; start it: `bucle up --home {done['home']}`")
    return 0


def _show_drill(done: dict[str, Any], output: str | None, query: str | None) -> int:
    plain = output in {"table", "tsv"} or (output is None and sys.stdout.isatty())
    show(done["checks"] if plain and not query else done, output, query, CHECK_COLUMNS)
    say(f"{'the backup is good' if done['ok'] else 'the backup is NOT good'}; looked at in {done['took_s']} s")
    return 0 if done["ok"] else 1


def _name_outside(done: dict[str, Any]) -> None:
    for folder in done["outside"]:
        say(f"not in the backup: the datastore {folder} lies outside the state folder")
