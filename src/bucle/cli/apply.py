"""`bucle plan`, `bucle apply`: the platform as a file."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from bucle.cli.asking import Asked, asking
from bucle.cli.render import say

file_option = click.option("-f", "--file", "file", default="platform.yml", show_default=True, help="The platform file.")
prune_option = click.option("--prune", is_flag=True, help="Destroy what an earlier file made and this one leaves out.")


@click.command()
@file_option
@prune_option
@asking
def plan(asked: Asked, file: str, prune: bool) -> None:
    """Show what `bucle apply` would do, step by step; change nothing. Python: `Client.platform.plan(file)`."""
    with asked.client() as client:
        _tell(client.platform.plan(file, prune=prune), asked)


@click.command()
@file_option
@prune_option
@click.option("--plan", "only_plan", is_flag=True, help="As `bucle plan`.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@asking
def apply(asked: Asked, file: str, prune: bool, only_plan: bool, yes: bool) -> int:
    """Make the platform what a file names; leave with 3 while a step is left to others.

    Python: `Client.platform.apply(file)`.
    """
    with asked.client() as client:
        planned = client.platform.plan(file, prune=prune) if only_plan or not yes else None
        if only_plan:
            _tell(planned, asked)
            return 0
        if planned is not None:
            _confirm(planned, prune=prune)
        done = client.platform.apply(file, prune=prune)
    _tell(done, asked)
    return 3 if done["left"] else 0


def _confirm(planned: dict[str, Any], *, prune: bool) -> None:
    """Ask on a terminal; without one nothing is asked, and nothing is pruned unasked."""
    if not any(step["allowed"] for step in planned["steps"]):
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        for line in _lines(planned):
            say(line)
        click.confirm("do these steps?", abort=True, err=True)
    elif prune:
        raise click.UsageError("--prune destroys what is there: look at `bucle plan --prune`, then give --yes")


def _tell(answer: Any, asked: Asked) -> None:
    """Write an answer as lines for people, and as data in a pipe."""
    if (asked.output or ("table" if sys.stdout.isatty() else "json")) == "table" and not asked.query:
        click.echo("\n".join(_lines(answer)))
    else:
        asked.show(answer)
        say(_ending(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield from (step["text"] for step in answer["steps"] if step["allowed"])
    for step in answer["steps"]:
        if not step["allowed"]:
            yield f"left: {step['text']}"
            yield f"  {step['why']}"
            yield f"  {_who(step)}"
    if answer["unmanaged"]:
        yield f"unmanaged: {', '.join(answer['unmanaged'])}"
    yield _ending(answer)


def _who(step: dict[str, Any]) -> str:
    roles, who = " or ".join(step["roles"]), ", ".join(step["who"])
    if not roles or not step["code"].startswith("access.denied"):
        return f"try: {step['hint']}"
    return f"{step['action']} at {step['scope']}: {roles}{f' ({who})' if who else ''}"


def _ending(answer: dict[str, Any]) -> str:
    left = f", {answer['left']} left to others" if answer["left"] else ""
    return f"{answer['summary']}{left}"
