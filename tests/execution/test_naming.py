"""What a job names beside files: environments, components, datastore paths, outputs of jobs, copies of the network."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from bucle.client import Client
from tests.conftest import Installation, write

IN_PLACE = {"image": "python"}
STORE = "azureml://datastores/workspaceblobstore/paths"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A running server, its client, the root of dev's datastore, and a folder to write files in."""

    installation: Installation
    client: Client
    store: Path
    folder: Path

    def file(self, document: Mapping[str, Any]) -> Path:
        """Write a document as YAML (JSON is YAML)."""
        return write(self.folder / f"{len(list(self.folder.iterdir()))}.yml", json.dumps(document))

    def run(self, **job: object) -> dict[str, Any]:
        """Run a job to its end."""
        document = {"environment": IN_PLACE, **job} if "command" in job else {"type": "pipeline", **job}
        with_end = self.client.job.wait(self.client.job.create(self.file(document))["name"])
        return dict(with_end)

    def said(self, job: Mapping[str, Any], step: str = "main") -> str:
        """Return what a step wrote."""
        return self.client.job.log(job["name"], step=step).decode()

    def refused(self, kind: type[errors.BucleError], **job: object) -> str:
        """Submit a job that is refused; return the code of the refusal."""
        with pytest.raises(kind) as found:
            self.run(**job)
        return found.value.code


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give a server of this module's own."""
    root = tmp_path_factory.mktemp("naming")
    made = Installation(home=root / "home")
    made.up()
    (root / "work").mkdir()
    store = root / "home" / "datastores" / "dev" / "workspaceblobstore"
    with made.client() as client:
        yield Bench(installation=made, client=client, store=store, folder=root / "work")
    made.bucle("down")


def test_environment_by_name(bench: Bench) -> None:
    """A version is made once, the same again is the same, another under its number is refused; a job runs in it."""
    tools = {"name": "tools", "version": "1", "image": "python", "description": "of ours"}
    first = bench.client.environment.create(bench.file(tools))
    assert bench.client.environment.create(bench.file(tools)) == first
    with pytest.raises(errors.Conflict):
        bench.client.environment.create(bench.file({**tools, "image": "other"}))
    second = bench.client.environment.create(bench.file({"name": "tools", "image": "other"}))
    assert (second["version"], len(bench.client.environment.list(name="tools"))) == ("2", 2)
    for reference in ("azureml:tools:1", "azureml:tools@latest"):
        job = bench.run(command="echo here", environment=reference)
        assert (job["status"], bench.said(job)) == ("completed", "here\n")
    assert bench.refused(errors.NotFound, command="echo", environment="azureml:none:1") == "job.environment_unknown"
    assert bench.refused(errors.NotFound, command="echo", environment="azureml:tools:9") == "job.environment_unknown"


def test_a_stage_replaces_a_curated_environment(bench: Bench) -> None:
    """An environment of the stage stands before the curated one of its name."""
    reference = "azureml://registries/azureml/environments/sklearn-1.1/labels/latest"
    bench.client.environment.create(bench.file({"name": "sklearn-1.1", "image": "ours"}))
    job = bench.run(command="python -c 'import sklearn' || echo ours", environment=reference)
    assert bench.said(job).splitlines()[-1] == "ours"


def test_component_by_name(bench: Bench) -> None:
    """A registered component runs with the code that was registered, whatever became of the file since."""
    code = bench.folder / "code"
    write(code / "greet.py", "import sys; print('hello', sys.argv[1])")
    component = {
        "name": "greet", "command": "python greet.py ${{inputs.whom}}", "code": "./code", "environment": IN_PLACE,
        "inputs": {"whom": {"type": "string", "default": "world"}},
    }  # fmt: skip
    made = bench.client.component.create(bench.file(component))
    assert (made["version"], bench.client.component.show("greet")) == ("1", made)
    write(code / "greet.py", "raise SystemExit('altered')")
    nodes = {
        "plain": {"component": "azureml:greet:1"},
        "named": {"component": "azureml:greet@latest", "inputs": {"whom": "dev"}},
    }
    job = bench.run(jobs=nodes)
    assert job["status"] == "completed"
    assert [bench.said(job, step) for step in nodes] == ["hello world\n", "hello dev\n"]
    unknown = {"plain": {"component": "azureml:nobody:1"}}
    assert bench.refused(errors.NotFound, jobs=unknown) == "asset.not_found"


def test_path_in_a_datastore(bench: Bench) -> None:
    """A file and a folder are read in place, their digest recorded; what the platform keeps has its own names."""
    write(bench.store / "own" / "rows.csv", "1,2\n")
    digests = []
    for path in ("own", "own/rows.csv"):
        job = bench.run(
            command="cat ${{inputs.it}}/rows.csv || cat ${{inputs.it}}", inputs={"it": {"path": f"{STORE}/{path}"}}
        )
        assert (job["status"], "1,2" in bench.said(job)) == ("completed", True)
        digests.append(bench.client.job.show(job["name"])["steps"][-1]["inputs"]["it"]["digest"])
    assert len({*digests, None}) == 2
    assert (
        bench.refused(errors.NotFound, command="ls ${{inputs.it}}", inputs={"it": {"path": f"{STORE}/none"}})
        == "job.input_missing_there"
    )
    for kept in ("jobs", "uploads/x", "arrived"):
        inputs = {"it": {"path": f"{STORE}/{kept}"}}
        assert bench.refused(errors.BadRequest, command="ls ${{inputs.it}}", inputs=inputs) == "job.input_kept"
    (bench.store / "way").symlink_to(bench.installation.home)
    inputs = {"it": {"path": f"{STORE}/way"}}
    assert bench.refused(errors.BadRequest, command="ls ${{inputs.it}}", inputs=inputs) == "datastore.outside"


def test_output_of_a_job(bench: Bench) -> None:
    """What one job made another reads by name, whole or a file of it; what it never made is refused."""
    made = bench.run(command="echo 7 > ${{outputs.found}}/n.txt", outputs={"found": {"type": "uri_folder"}})
    for path, command in (("", "cat ${{inputs.it}}/n.txt"), ("/paths/n.txt", "cat ${{inputs.it}}")):
        reference = f"azureml://jobs/{made['name']}/outputs/found{path}"
        assert bench.said(bench.run(command=command, inputs={"it": {"path": reference}})) == "7\n"
    inputs = {"it": {"path": f"azureml://jobs/{made['name']}/outputs/lost"}}
    assert bench.refused(errors.NotFound, command="ls ${{inputs.it}}", inputs=inputs) == "job.output_not_found"


def test_output_with_a_path_of_its_own(bench: Bench) -> None:
    """It lies there besides, beside what lies there already, and the job's own copy stays what it was."""
    write(bench.store / "shelf" / "old.txt", "old")
    write(bench.store / "shelf" / "new.txt", "replaced")
    outputs = {"it": {"type": "uri_folder", "path": f"{STORE}/shelf"}}
    job = bench.run(command="echo new > ${{outputs.it}}/new.txt", outputs=outputs)
    assert {path.name: path.read_text() for path in (bench.store / "shelf").iterdir()} == {
        "old.txt": "old", "new.txt": "new\n",
    }  # fmt: skip
    write(bench.store / "shelf" / "fresh", "")
    own = bench.store / "jobs" / job["name"] / "main" / "it" / "new.txt"
    assert own.read_text() == "new\n"
    named = {"it": {"type": "uri_file", "path": f"{STORE}/${{{{name}}}}/n.txt"}}
    job = bench.run(command="echo 1 > ${{outputs.it}}", outputs=named)
    assert (bench.store / job["name"] / "n.txt").read_text() == "1\n"
    for path, code in ((f"{STORE}/jobs/x", "job.output_path_kept"), ("azureml:rows:1", "job.output_path")):
        outputs = {"it": {"type": "uri_folder", "path": path}}
        assert bench.refused(errors.BadRequest, command="ls ${{outputs.it}}", outputs=outputs) == code


def test_links_are_laid_nowhere(bench: Bench) -> None:
    """An output that holds a link to what is none of its business fails its step; nothing is laid."""
    secret = bench.installation.home / "admin-token"
    outputs = {"it": {"type": "uri_folder", "path": f"{STORE}/links"}}
    job = bench.run(command=f"ln -s {secret} ${{{{outputs.it}}}}/x", outputs=outputs)
    assert (job["status"], (bench.store / "links").exists()) == ("failed", False)
    link = {"command": f"ln -s {secret} outputs/x", "environment": IN_PLACE}
    read = {
        "command": "ls ${{inputs.it}}",
        "environment": IN_PLACE,
        "inputs": {"it": "${{parent.jobs.a.outputs.artifacts}}"},
    }
    assert bench.run(jobs={"a": link, "b": read})["status"] == "failed"
    link["command"] = "echo 1 > outputs/x"
    assert bench.run(jobs={"a": link, "b": read})["status"] == "completed"


def test_copy_of_the_network(bench: Bench) -> None:
    """An address that the operator declared is read from its copy; another one is refused, and nothing is fetched."""
    copy = write(bench.folder / "copies" / "rows.csv", "9\n")
    mirror = f"https://data.example/rows.csv: {copy}\nhttps://data.example/all/: {copy.parent}\n"
    write(bench.installation.home / "mirror.yml", mirror)
    for url in ("https://data.example/rows.csv", "https://data.example/all/rows.csv"):
        job = bench.run(command="cat ${{inputs.it}}", inputs={"it": {"type": "uri_file", "path": url}})
        assert bench.said(job) == "9\n"
    other = {"it": {"path": "https://data.example/other.csv"}}
    assert bench.refused(errors.BadRequest, command="cat ${{inputs.it}}", inputs=other) == "job.input_not_mirrored"
    out = {"it": {"path": "https://data.example/all/%2e%2e/0.yml"}}
    assert bench.refused(errors.BadRequest, command="cat ${{inputs.it}}", inputs=out) == "spec.bad_reference"
