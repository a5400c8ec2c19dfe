"""`bucle can`, `bucle why-denied`: what somebody may do, and why not."""

from collections.abc import Sequence
from typing import Any

import click

from bucle.cli.asking import Asked, asking, asking_in_stage
from bucle.cli.render import say

MARKS = {"yes": "●", "some": "◐", "no": "·"}
CLASSES = click.Choice(["public", "internal", "non-production", "production", "restricted"])
class_option = click.option("--class", "data_class", type=CLASSES, default=None, help="Default: what lies there.")


@click.command()
@click.argument("question", nargs=-1, metavar="[PRINCIPAL ACTION SCOPE]")
@click.option("--matrix", "as_matrix", is_flag=True, help="Everybody by every verb of a stage.")
@class_option
@asking_in_stage
def can(asked: Asked, question: tuple[str, ...], as_matrix: bool, data_class: str | None) -> int:
    """Say whether PRINCIPAL may do ACTION at SCOPE; leave with 3 when not. Python: `Client.can.check(…)`."""
    if as_matrix == bool(question) or len(question) not in {0, 3}:
        raise click.UsageError("give PRINCIPAL ACTION SCOPE, or --matrix")
    with asked.client() as client:
        if as_matrix:
            found = client.can.matrix(asked.stage)
            asked.show(_flat(found) if asked.output in {None, "table", "tsv"} and not asked.query else found)
            say(f"{MARKS['yes']} all of it  {MARKS['some']} some of it  {MARKS['no']} none")
            return 0
        principal, action, scope = question
        answer = client.can.check(action, scope, principal=principal, data_class=data_class)
    asked.show(answer)
    return 0 if answer["allowed"] else 3


@click.command("why-denied")
@click.argument("action")
@click.argument("scope")
@click.option("--principal", default=None, help="Somebody else; default: you.")
@class_option
@asking
def why_denied(asked: Asked, action: str, scope: str, principal: str | None, data_class: str | None) -> None:
    """Say why an act is refused, what fell short, and who can grant it. Python: `Client.can.why_denied(…)`."""
    with asked.client() as client:
        asked.show(client.can.why_denied(action, scope, principal=principal, data_class=data_class))


def _flat(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return the matrix as rows of a table that fits a screen."""
    return [
        {"principal": row["principal"], "roles": _in_short(row["roles"])}
        | {column: MARKS.get(row["cells"][column], row["cells"][column]) for column in found["columns"]}
        for row in found["rows"]
    ]


def _in_short(roles: Sequence[str]) -> str:
    return roles[0] if len(roles) == 1 else f"{roles[0]} +{len(roles) - 1}"
