"""Jobs through the API: what they run, what they leave, and every way in which they end."""

import time
from pathlib import Path

import pytest

from bucle import errors
from bucle.client import Client
from tests.conftest import write

ENVIRONMENT = "environment: {image: python}\n"


def _run(client: Client, tmp_path: Path, text: str, **files: str) -> tuple[dict[str, object], str]:
    """Submit a job, wait for it; return it and the log of its last step."""
    for name, content in files.items():
        write(tmp_path / name.replace("__", "/"), content)
    job = client.job.wait(client.job.create(write(tmp_path / "job.yml", text + ENVIRONMENT))["name"])
    return job, client.job.log(job["name"], step="main").decode()


def test_command_runs(client: Client, tmp_path: Path) -> None:
    """A command's output is its log, its exit code 0 its success."""
    job, log = _run(client, tmp_path, "command: echo hello\n")
    assert (job["status"], log) == ("completed", "hello\n")


def test_inputs_reach_the_command_as_one_argument(client: Client, tmp_path: Path) -> None:
    """A value with quotes, blanks and a command in it arrives as text."""
    text = """command: printf '%s|' ${{inputs.word}} ${{inputs.number}}
inputs: {word: "it's $(id) `id` \\"x\\"; echo", number: 42}
"""
    _, log = _run(client, tmp_path, text)
    assert log == """it's $(id) `id` "x"; echo|42|"""


def test_code_travels_without_what_is_ignored(client: Client, tmp_path: Path) -> None:
    """The code folder is the working folder; what `.amlignore` names stays at home."""
    files = {"src__a.txt": "A", "src__b.log": "B", "src__.amlignore": "*.log\n", "src__deep__c.txt": "C"}
    job, log = _run(client, tmp_path, "command: cat a.txt deep/c.txt; ls\ncode: ./src\n", **files)
    assert (job["status"], log) == ("completed", "ACa.txt\ndeep\noutputs\n")


def test_outputs_have_digests(client: Client, tmp_path: Path) -> None:
    """A declared output folder and `./outputs` are kept, each under the digest of its files."""
    text = "command: echo x > ${{outputs.made}}/f.txt; echo y > outputs/g.txt\noutputs: {made: {type: uri_folder}}\n"
    job, _ = _run(client, tmp_path, text)
    (step,) = [row for row in job["steps"] if row["name"] == "main"]  # type: ignore[attr-defined]
    assert step["outputs"]["made"]["files"] == step["outputs"]["artifacts"]["files"] == 1


def test_pipeline_hands_outputs_on(client: Client, tmp_path: Path) -> None:
    """A node reads what another wrote; literals pass from the job to its nodes."""
    text = """type: pipeline
inputs: {word: world}
jobs:
  read:
    command: cat ${{inputs.from}}/w.txt
    environment: {image: python}
    inputs: {from: "${{parent.jobs.write.outputs.out}}"}
  write:
    command: echo ${{inputs.word}} > ${{outputs.out}}/w.txt
    environment: {image: python}
    inputs: {word: "${{parent.inputs.word}}"}
    outputs: {out: {type: uri_folder}}
"""
    job = client.job.wait(client.job.create(write(tmp_path / "p.yml", text))["name"])
    assert job["status"] == "completed"
    assert client.job.log(job["name"], step="read") == b"world\n"


def test_failed_node_skips_what_reads_it(client: Client, tmp_path: Path) -> None:
    """A node that fails fails its job; what waited for it never starts."""
    text = """type: pipeline
jobs:
  bad: {command: exit 3, environment: {image: python}, outputs: {out: {type: uri_folder}}}
  after: {command: echo no, environment: {image: python}, inputs: {x: "${{parent.jobs.bad.outputs.out}}"}}
"""
    job = client.job.wait(client.job.create(write(tmp_path / "p.yml", text))["name"])
    states = {step["name"]: (step["status"], step["exit_code"]) for step in job["steps"] if step["kind"] == "command"}
    assert (job["status"], states) == ("failed", {"bad": ("failed", 3), "after": ("skipped", None)})


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", -9)])
def test_failure_tells_its_exit_code(client: Client, tmp_path: Path, command: str, code: int) -> None:
    """A job that exits otherwise than 0, or is killed, failed; following it raises WorkFailed with the code."""
    job, _ = _run(client, tmp_path, f"command: {command}\n")
    assert job["status"] == "failed"
    with pytest.raises(errors.WorkFailed, match=f"exit code {code}"):
        list(client.job.stream(str(job["name"])))


def test_timeout_ends_what_ignores_term(client: Client, tmp_path: Path) -> None:
    """A job beyond its timeout that ignores TERM is killed, and says timeout."""
    started = time.monotonic()
    job, _ = _run(client, tmp_path, "command: trap '' TERM; sleep 60 & wait; sleep 60\nlimits: {timeout: 1}\n")
    (step,) = [row for row in job["steps"] if row["name"] == "main"]  # type: ignore[attr-defined]
    assert (job["status"], step["why"]) == ("failed", "timeout")
    assert time.monotonic() - started < 50


def test_cancel_ends_a_job(client: Client, tmp_path: Path) -> None:
    """A running job that is cancelled ends as canceled; asking again changes nothing."""
    name = client.job.create(write(tmp_path / "job.yml", "command: sleep 60\n" + ENVIRONMENT))["name"]
    while client.job.show(name)["status"] == "queued":
        time.sleep(0.05)
    client.job.cancel(name)
    assert client.job.wait(name)["status"] == "canceled"
    assert client.job.cancel(name)["status"] == "canceled"


def test_job_cannot_read_another_stage(client: Client, shared_installation: object, tmp_path: Path) -> None:
    """A plain `cat` of another stage's file is refused by the kernel; the same file opens outside the job."""
    write(tmp_path / "rows.csv", "a,b\n1,2\n")
    document = write(tmp_path / "data.yml", "name: walls\npath: ./rows.csv\n")
    client.data.create(document, stage="prod")
    home: Path = shared_installation.home  # type: ignore[attr-defined]
    (path,) = (home / "datastores" / "prod").rglob("rows.csv")
    assert path.read_text() == "a,b\n1,2\n"
    job, log = _run(client, tmp_path, f"command: cat {path}\n")
    assert (job["status"], log) == ("failed", f"cat: {path}: Permission denied\n")


def test_job_reads_its_declared_input(client: Client, tmp_path: Path) -> None:
    """The same bytes, declared as an input in their own stage, can be read and not be changed."""
    write(tmp_path / "rows.csv", "a,b\n1,2\n")
    client.data.create(write(tmp_path / "data.yml", "name: declared\npath: ./rows.csv\n"))
    text = """command: cat ${{inputs.rows}}; echo more >> ${{inputs.rows}} || echo kept
inputs: {rows: {type: uri_file, path: "azureml:declared@latest"}}
"""
    job, log = _run(client, tmp_path, text)
    assert (job["status"], log.splitlines()[:2], log.splitlines()[-1]) == ("completed", ["a,b", "1,2"], "kept")


def test_missing_input_is_named(client: Client, tmp_path: Path) -> None:
    """An input that does not exist is refused at submission, with its name."""
    text = 'command: cat ${{inputs.rows}}\ninputs: {rows: {type: uri_file, path: "azureml:nothing:1"}}\n'
    with pytest.raises(errors.NotFound, match="nothing"):
        client.job.create(write(tmp_path / "job.yml", text + ENVIRONMENT))


def test_same_name_twice_is_refused(client: Client, tmp_path: Path) -> None:
    """A name is taken once."""
    path = write(tmp_path / "job.yml", "name: only-once\ncommand: 'true'\n" + ENVIRONMENT)
    client.job.create(path)
    with pytest.raises(errors.Conflict):
        client.job.create(path)
