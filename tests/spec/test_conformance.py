"""Files that others wrote for Azure, judged as `bucle validate` does: what its SDK accepts is accepted, and no more."""

from pathlib import Path

from bucle.cli.validation import Looked
from bucle.spec.validation import Report, validate


def rows(conformance: Path) -> list[list[str]]:
    """Return path, noun and outcome of each file that the SDK was asked about."""
    lines = (conformance / "outcomes.tsv").read_text().splitlines()
    return [line.split("\t")[:3] for line in lines if not line.startswith("#")]


def judged(file: Path, noun: str | None) -> Report:
    """Return the report on a file, its local paths looked for beside it."""
    return validate(file.read_bytes(), str(file), noun, sources=Looked())


def test_the_sdk_agrees_file_by_file(conformance: Path) -> None:
    """Given its noun, each file has the outcome that the SDK gave it."""
    asked = rows(conformance)
    differing = [
        (path, said, [str(fault) for fault in report.faults])
        for path, noun, said in asked
        for report in [judged(conformance / path, noun)]
        if (report.faults == ()) != said.startswith("ok")
    ]
    assert len(asked) > 100
    assert differing == []


def test_each_file_is_known_without_its_noun(conformance: Path) -> None:
    """What is accepted by its noun is found to be of the same kind by itself, or passed over as none."""
    for path, noun, said in rows(conformance):
        if said.startswith("ok"):
            by_noun, by_itself = judged(conformance / path, noun), judged(conformance / path, None)
            assert by_itself.foreign or (by_itself.kind, by_itself.faults) == (by_noun.kind, ()), path
