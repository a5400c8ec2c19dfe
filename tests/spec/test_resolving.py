"""The client's walk: local paths become digests, local files their content, faults keep their file."""

import hashlib
from pathlib import Path

import pytest

from bucle import errors
from bucle.spec.faults import FaultyDocument
from bucle.spec.loading import Loaded, load, load_body
from bucle.spec.resolving import Sources

NESTED = "type: pipeline\njobs: {a: {type: pipeline, component: ./p.yml}}\n"
COMPONENT = """\
name: train
command: python t.py ${{inputs.data}}
environment: {image: python, conda_file: env/conda.yml}
code: ./src
inputs: {data: {type: uri_folder}}
"""
PIPELINE = """\
type: pipeline
jobs:
  train:
    component: file:./parts/train.yml
    inputs:
      data: {type: uri_folder, path: ./data}
"""


@pytest.fixture
def written(folder: Sources, tmp_path: Path) -> Sources:
    """Return a folder with a pipeline's component, its code, its conda file and its data."""
    for path, text in {
        "parts/train.yml": COMPONENT,
        "parts/src/t.py": "print(1)\n",
        "parts/env/conda.yml": "dependencies: [python=3.12, pip: [joblib]]\n",
        "data/a.csv": "a\n1\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return folder


def resolved(text: str, sources: Sources) -> Loaded:
    """Return a pipeline with its local paths resolved."""
    return load(text.encode(), "pipeline.yml", "job", sources=sources)


def test_everything_local_is_brought_along(written: Sources) -> None:
    """Component and conda file are inlined, code and data are digests; paths are relative to their file."""
    node = resolved(PIPELINE, written).document["jobs"]["train"]  # type: ignore[index]
    component = node["component"]
    assert component["name"] == "train"
    assert component["environment"]["conda_file"] == {"dependencies": ["python=3.12", {"pip": ["joblib"]}]}
    assert component["code"]["origin"] == "./src"
    assert component["code"]["digest"] == f"sha256:{hashlib.sha256(b'print(1)' + bytes([10])).hexdigest()}"
    assert (node["inputs"]["data"]["path"]["kind"], node["inputs"]["data"]["path"]["origin"]) == (
        "folder",
        "./data",
    )


def test_the_resolved_document_is_a_body(written: Sources) -> None:
    """What the client sends is what the server accepts; before resolving it is refused."""
    loaded = resolved(PIPELINE, written)
    assert load_body(loaded.document, "job", loaded.positions).value == loaded.value
    with pytest.raises(errors.BadRequest) as caught:
        load_body(load(PIPELINE.encode(), "p.yml", "job").document, "job")
    assert caught.value.code == "spec.local_path"
    assert caught.value.values["text"] == "./data"


def test_faults_of_every_file_come_together(written: Sources, tmp_path: Path) -> None:
    """A fault in an inlined file keeps that file's line; a path not there has the line that names it."""
    (tmp_path / "parts/train.yml").write_text(COMPONENT.replace("uri_folder", "uri_foldr"))
    with pytest.raises(FaultyDocument) as caught:
        resolved(PIPELINE.replace("./data", "./dat"), written)
    component, data = [str(fault) for fault in caught.value.faults]
    assert component.startswith("parts/train.yml:5:23: jobs.train.component.inputs.data.type: must be ")
    assert component.endswith("(nearest valid name: uri_folder)")
    assert data.startswith("pipeline.yml:6:38: jobs.train.inputs.data.path: dat cannot be read")


def test_files_that_name_each_other_end(folder: Sources, tmp_path: Path) -> None:
    """A component that holds itself is a fault, not an endless walk."""
    (tmp_path / "p.yml").write_text("name: p\n" + NESTED)
    with pytest.raises(FaultyDocument, match="16 deep"):
        resolved(NESTED, folder)


def test_a_schedule_brings_its_job(written: Sources, tmp_path: Path) -> None:
    """`create_job: file` is the job itself, with its own local paths resolved."""
    (tmp_path / "pipeline.yml").write_text(PIPELINE)
    text = b"name: s\ntrigger: {type: cron, expression: 0 * * * *}\ncreate_job: ./pipeline.yml\n"
    loaded = load(text, "schedule.yml", "schedule", sources=written)
    assert loaded.document["create_job"]["jobs"]["train"]["component"]["name"] == "train"  # type: ignore[index]
