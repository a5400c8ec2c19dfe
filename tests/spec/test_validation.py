"""`bucle validate` as a person types it, and what it says of files that are no documents."""

import json
from pathlib import Path

import pytest

from bucle import errors
from bucle.cli.root import run
from bucle.spec.json_schema import OWN, schema_of
from bucle.spec.validation import validate

JOB = "command: echo 1\nenvironment: azureml:e@latest\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a job, a conda file, a template, a table, and a folder that is not entered."""
    files = {
        "job.yml": JOB + "code: ./src\n",
        "src/main.py": "",
        "CONDA.YAML": "name: e\ndependencies: [pip]\n",
        "filled.yml": "name: {{name}}\ncommand: x\n",
        "table/MLTable": "paths: [{file: ./rows.csv}]\ntransformations: [{take: 3}]\n",
        "notes.yml": "shopping: [milk]\n",
        ".hidden/broken.yml": "command: [",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    """Return what `-o json` said, by the name of the file."""
    return {Path(row["path"]).name: row for row in json.loads(capsys.readouterr().out)}


def test_a_folder_is_right_when_its_documents_are(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are no documents are named as what they are, in any case of their suffix, and are no fault."""
    assert run(["validate", "-f", str(project), "-o", "json"]) == 0
    found = told(capsys)
    assert {name: row["foreign"] or row["kind"] for name, row in found.items()} == {
        "job.yml": "command_job",
        "CONDA.YAML": "conda file",
        "filled.yml": "template",
        "MLTable": "mltable",
        "notes.yml": "file of no known kind",
    }
    (project / "job.yml").write_text(JOB + "code: ./scr\n")
    assert run(["validate", "-f", str(project)]) == 2
    assert f"{project}/job.yml:3:7: code: {project}/scr cannot be read" in capsys.readouterr().out


def test_a_file_that_is_named_is_meant_as_a_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A conda file in its place is not passed over."""
    assert run(["validate", "-f", str(project / "job.yml"), str(project / "job.yml")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 document, 0 at fault"
    assert run(["validate", "-f", str(project / "CONDA.YAML")]) == 2


def test_every_fault_is_told_with_its_place_and_the_nearest_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two faults of one file, both at once; with `--set` they are gone."""
    file = tmp_path / "job.yml"
    file.write_text("comand: x\nenvironment: azureml:e:1\n")
    assert run(["validate", "-f", str(file), "--kind", "job"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert f"  {file}:1:1: comand: unknown key (nearest valid name: command)" in lines
    assert f"  {file}:1:1: command: is required" in lines
    file.write_text("environment: azureml:e:1\n")
    assert run(["validate", "-f", str(file), "--kind", "job"]) == 2
    assert run(["validate", "-f", str(file), "--kind", "job", "--set", "command=x"]) == 0


def test_what_flags_give_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of an endpoint comes from `--endpoint-name`; that there is no machine is a fault."""
    file = tmp_path / "blue.yml"
    file.write_text("instance_type: s\nmodel: azureml:m:1\n")
    assert run(["validate", "-f", str(file), "--kind", "online-deployment", "-o", "json"]) == 0
    given = told(capsys)["blue.yml"]["to_be_given"]
    assert given == [
        {"field": "name", "flag": "--name", "reason": ""},
        {"field": "endpoint_name", "flag": "--endpoint-name", "reason": ""},
    ]
    file.write_text("model: azureml:m:1\n")
    assert run(["validate", "-f", str(file), "--kind", "online-deployment"]) == 2


def test_data_of_a_job_may_be_made_later(tmp_path: Path) -> None:
    """Azure reads a job whose input is not there yet, and so do we; its code must be there."""
    text = JOB + "inputs: {rows: {type: uri_file, path: ./rows.csv}}\n"
    (tmp_path / "job.yml").write_text(text)
    assert run(["validate", "-f", str(tmp_path / "job.yml")]) == 0
    (tmp_path / "job.yml").write_text(text + "code: ./src\n")
    assert run(["validate", "-f", str(tmp_path / "job.yml")]) == 2


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, and the exit code of a fault."""
    assert run(["validate", "-f", str(tmp_path / "none.yml")]) == 2
    assert "none.yml cannot be read" in capsys.readouterr().err


def test_a_template_at_fault_is_a_template_and_a_right_document_is_not() -> None:
    """Braces in a text that is right as it stands make no template of it."""
    assert validate(b"command: echo {{x}}\nenvironment: azureml:e:1\n", "j.yml", "job").foreign is None
    assert validate(b"command: echo {{x}}\nenvironment: {{e}}\n", "j.yml", "job").foreign == "template"


@pytest.mark.parametrize("kind", OWN)
def test_our_own_kinds_have_a_schema_for_editors(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is closed, as the reader is, and of the dialect that it names."""
    assert run(["validate", "--schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema == schema_of(kind)


def test_azures_kinds_have_their_schema_at_azure() -> None:
    """We write none of theirs."""
    with pytest.raises(errors.BadRequest):
        schema_of("command_job")


@pytest.mark.parametrize(
    ("text", "kind", "foreign"),
    [
        (b"stage: prod\nchecks: {bounds: {mae: {max: 0.5}}}\n", "gate", None),
        (b"stage: prod\napprovals: 1\n", "gate", None),
        (b"name: cars\npaths: {main: [dev]}\nstages: {dev: {tier: dev}}\n", "platform", None),
        (b"stages:\n- stage: build\n  jobs: []\n", "", "Azure DevOps pipeline"),
    ],
)
def test_our_own_files_are_known_by_what_is_in_them(text: bytes, kind: str, foreign: str | None) -> None:
    """Under whatever name: a gate, a platform; stages in a list are another's."""
    report = validate(text, "files/prod.yml")
    assert (report.kind, report.foreign) == (kind, foreign)
    assert report.faults == ()
