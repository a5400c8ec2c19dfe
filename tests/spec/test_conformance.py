"""Files that others wrote for Azure, judged as `bucle validate` does: what its SDK accepts is accepted, and no more."""

from pathlib import Path

from bucle.cli.validation import Looked
from bucle.spec.kinds import KINDS, Unread
from bucle.spec.monitor import GenerationSignal
from bucle.spec.validation import Report, validate


def rows(conformance: Path) -> list[list[str]]:
    """Return path, noun and outcome of each file that the SDK was asked about."""
    lines = (conformance / "outcomes.tsv").read_text().splitlines()
    return [line.split("\t")[:3] for line in lines if not line.startswith("#")]


def judged(file: Path, noun: str | None) -> Report:
    """Return the report on a file, its local paths looked for beside it."""
    return validate(file.read_bytes(), str(file), noun, sources=Looked())


def accepted(report: Report) -> bool:
    """Return whether a file is right; the SDK reads no signal of generative models, which here is a part not run."""
    return not report.faults and all(use.reason != GenerationSignal.not_run for use in report.fields)


def test_the_sdk_agrees_file_by_file(conformance: Path) -> None:
    """Given its noun, each file has the outcome that the SDK gave it; of kinds not yet read, those it accepts."""
    asked = rows(conformance)
    reports = {path: judged(conformance / path, noun) for path, noun, _ in asked}
    differing = [
        (path, said, [str(fault) for fault in reports[path].faults])
        for path, _, said in asked
        if accepted(reports[path]) != said.startswith("ok")
        and (said.startswith("ok") or KINDS[reports[path].kind].model is not Unread)
    ]
    assert len(asked) > 100
    assert differing == []


def test_each_file_is_known_without_its_noun(conformance: Path) -> None:
    """What is accepted by its noun is found to be of the same kind by itself, or passed over as none."""
    for path, noun, said in rows(conformance):
        if said.startswith("ok"):
            by_noun, by_itself = judged(conformance / path, noun), judged(conformance / path, None)
            assert by_itself.foreign or (by_itself.kind, by_itself.faults) == (by_noun.kind, ()), path
