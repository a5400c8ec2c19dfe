"""`bucle validate`: every fault of some files, and what becomes of each of their fields; no server is asked."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from stat import S_ISDIR

import click

from bucle import errors
from bucle.spec.json_schema import OWN, schema_of
from bucle.spec.kinds import words_of
from bucle.spec.resolving import Snapshot
from bucle.spec.validation import Report
from bucle.spec.validation import validate as judge

SUFFIXES = frozenset({".yml", ".yaml"})
NOT_ENTERED = frozenset({"node_modules", "__pycache__", "venv"})
"""Folders without documents of anybody's own; nor has one whose name begins with a dot."""


class Looked:
    """The caller's machine, looked at only: a local path must be there, and what lies behind it is not read."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file that a document names as a part of itself."""
        return Path(path).read_bytes()

    def snapshot(self, path: str) -> Snapshot:
        """Return what a path is. The digest is the path's own: validation sends nothing."""
        is_folder = S_ISDIR(Path(path).stat().st_mode)
        digest = hashlib.sha256(path.encode()).hexdigest()
        return Snapshot(digest=f"sha256:{digest}", kind="folder" if is_folder else "file")


@click.command()
@click.option("-f", "--file", "first", multiple=True, metavar="FILE|FOLDER", help="A document, or a folder of them.")
@click.argument("others", nargs=-1, metavar="[FILE|FOLDER]...")
@click.option("--kind", default=None, help="What the files are; default: what each says it is.")
@click.option("--set", "assignments", multiple=True, metavar="FIELD=VALUE", help="As with create.")
@click.option("--schema", type=click.Choice(OWN), default=None, help="Write the JSON Schema of a kind, for editors.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def validate(
    first: tuple[str, ...],
    others: tuple[str, ...],
    kind: str | None,
    assignments: tuple[str, ...],
    schema: str | None,
    output: str,
) -> int:
    """Tell every fault of the documents, and what becomes of each field; leave with 2 when one is at fault.

    Python: `bucle.spec.validation.validate(…)`.
    """
    if schema is not None:
        click.echo(json.dumps(schema_of(schema), indent=2, ensure_ascii=False))
        return 0
    named = (*first, *others)
    if not named:
        raise click.UsageError("give -f FILE or -f FOLDER, or --schema KIND")
    judged = [(asked, _judge(path, kind, assignments)) for path, asked in _files(named)]
    reports = [report for _, report in judged]
    if output == "json":
        click.echo(json.dumps([asdict(report) for report in reports], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_text(reports)))
    # A file that was named is meant as a document; one that only lies in a folder need be none.
    at_fault = any(report.faults or (asked and report.foreign) for asked, report in judged)
    return 2 if at_fault else 0


def _judge(path: Path, kind: str | None, assignments: tuple[str, ...]) -> Report:
    try:
        text = path.read_bytes()
    except OSError as fault:
        raise errors.BadRequest("content.unreadable", path=path, why=fault.strerror) from fault
    return judge(text, str(path), kind, sources=Looked(), assignments=assignments)


def _files(named: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """Yield each file once, and whether it was named itself."""
    seen: set[Path] = set()
    for word in named:
        place = Path(word)
        found = list(_below(place)) if place.is_dir() else [place]
        for path in found:
            if path not in seen:
                seen.add(path)
                yield path, path == place


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NOT_ENTERED)
        for name in sorted(files):
            if name == "MLTable" or Path(name).suffix.lower() in SUFFIXES:
                yield Path(place) / name


def _text(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        yield from _lines(report)
    documents = [report for report in reports if not report.foreign]
    wrong = sum(1 for report in documents if report.faults)
    foreign = len(reports) - len(documents)
    line = f"{_count(len(documents), 'document')}, {wrong} at fault"
    yield f"{line}; {_count(foreign, 'other file')}" if foreign else line


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.path}: {report.foreign or words_of(report.kind) or 'no document'}"
    for fault in report.faults:
        yield f"  {fault}"
    for row in report.to_be_given:
        yield f"  to be given: {row.field} ({row.flag}){_because(row.reason)}"
    if report.not_run is not None:
        yield f"  not run here: {report.not_run}"
        return
    whole = [use.field for use in report.fields if use.effect == "honoured" and not use.reason]
    if whole:
        yield f"  honoured: {', '.join(whole)}"
    for use in report.fields:
        if use.effect != "honoured" or use.reason:
            yield f"  {use.effect}: {use.path}:{use.line}:{use.column}: {use.field}{_because(use.reason)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
