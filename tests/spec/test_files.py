"""Files that others wrote for Azure: what its SDK reads is read, what it refuses is refused."""

from pathlib import Path

import pytest

from bucle import errors
from bucle.spec.loading import load, load_body
from bucle.spec.resolving import Sources

FILES = sorted((Path(__file__).parent / "files").glob("*.yml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_azure_loads_as_file_and_as_body(file: Path) -> None:
    """The example files of Azure are read, and their JSON is read to the same value."""
    loaded = load(file.read_bytes(), file.name, "job")
    assert loaded.kind == ("pipeline_job" if "pipeline" in file.name else "command_job")
    assert load_body(loaded.document, "job").value == loaded.value


def outcome(text: bytes, path: str, noun: str, sources: Sources) -> str:
    """Return `ok`, or the code of the refusal."""
    try:
        load(text, path, noun, sources=sources)
    except errors.BadRequest as error:
        return error.code
    return "ok"


def test_the_oracle_agrees_file_by_file(conformance: Path, folder: Sources) -> None:
    """Each file of Azure's examples has the outcome of Azure's SDK, but for the kinds that are not run."""
    rows = [line.split("\t") for line in (conformance / "outcomes.tsv").read_text().splitlines()[1:]]
    differing = []
    for path, noun, said, *_ in rows:
        file = conformance / path
        ours = outcome(file.read_bytes(), str(file), noun, folder)
        if ours != "spec.kind_not_run" and (ours == "ok") != (said == "ok"):
            differing.append((path, said, ours))
    assert len(rows) > 100
    assert differing == []


def test_few_files_are_of_kinds_not_run(conformance: Path, folder: Sources) -> None:
    """Of the jobs, only the sweep and the AutoML job are refused as not run."""
    rows = [line.split("\t") for line in (conformance / "outcomes.tsv").read_text().splitlines()[1:]]
    jobs = [conformance / path for path, noun, *_ in rows if noun == "job"]
    refused = {file.stem for file in jobs if outcome(file.read_bytes(), str(file), "job", folder) != "ok"}
    assert refused == {"hello-sweep", "hello-automl-job-basic"}
