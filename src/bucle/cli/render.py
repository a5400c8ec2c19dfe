"""Answers on the terminal: table for people, JSON in a pipe or with `--query`; stdout is data, stderr is talk."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add Azure's `-o/--output` and `--query` to a command."""
    command = click.option("--query", default=None, help="JMESPath over the answer.")(command)
    kinds = click.Choice(["json", "yaml", "table", "tsv"])
    return click.option("-o", "--output", type=kinds, default=None, help="Default: table here, JSON in a pipe.")(
        command
    )


def show(answer: Any, output: str | None, query: str | None, columns: Sequence[str] = ()) -> None:
    """Write an answer to stdout; `columns` are those of the table of a list."""
    if query:
        import jmespath

        try:
            answer = jmespath.search(query, answer)
        except jmespath.exceptions.JMESPathError as fault:
            raise click.UsageError(f"--query {query!r}: {fault}") from fault
    kind = output or ("table" if sys.stdout.isatty() and not query else "json")
    click.echo({"json": _json, "yaml": _yaml, "table": _table, "tsv": _tsv}[kind](answer, columns))


def say(text: str) -> None:
    """Talk to the person, on stderr."""
    click.echo(text, err=True)


def _json(answer: Any, _columns: Sequence[str]) -> str:
    return json.dumps(answer, indent=2, ensure_ascii=False, sort_keys=False)


def _yaml(answer: Any, _columns: Sequence[str]) -> str:
    import yaml

    return yaml.safe_dump(answer, sort_keys=False, allow_unicode=True).rstrip()


def _rows(answer: Any, columns: Sequence[str]) -> tuple[Sequence[str], list[list[str]]]:
    if isinstance(answer, Mapping):
        return ("field", "value"), [[name, _cell(value)] for name, value in answer.items()]
    if isinstance(answer, list) and answer and isinstance(answer[0], Mapping):
        names = [name for name in columns if name in answer[0]] or list(answer[0])
        return names, [[_cell(row.get(name)) for name in names] for row in answer]
    return (), [[_cell(value)] for value in (answer if isinstance(answer, list) else [answer])]


def _table(answer: Any, columns: Sequence[str]) -> str:
    head, rows = _rows(answer, columns)
    if not rows:
        return "(nothing)"
    lines = [list(head), *rows] if head else rows
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _tsv(answer: Any, columns: Sequence[str]) -> str:
    return "\n".join("\t".join(row) for row in _rows(answer, columns)[1])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
