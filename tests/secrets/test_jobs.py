"""Secrets as jobs get them: a canary, planted and searched for everywhere; who may name which; what is refused."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bucle import errors
from bucle.client import Client
from bucle.core.roles import BUILT_IN
from tests.access.conftest import House, house
from tests.conftest import Installation, write

__all__ = ["house"]
CODE = """
import json, os, time, urllib.request
value = os.environ["CANARY"]
print("plain", value, flush=True)
print("token", os.environ["MLFLOW_TRACKING_TOKEN"])
for part in (value[:9], value[9:]):
    print(part, end="", flush=True)
    time.sleep(0.3)
print()
open("outputs/written_by_the_user.txt", "w").write(value)
def log(call, **body):
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/" + call
    body = json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], **body}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
log("log-parameter", key="password", value=value)
log("set-tag", key="note", value="with " + value)
time.sleep(2)
raise SystemExit("cannot sign in with " + value)
"""
JOB = """
command: python run.py
code: ./src
environment: {image: python}
environment_variables: {CANARY: "${{secrets.canary}}", PLAIN: seen}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """An installation in which a job was given a canary, what it left, and the command lines seen meanwhile."""

    installation: Installation
    value: str
    job: dict[str, Any]
    log: str
    seen: frozenset[bytes]
    backup: Path

    def holders(self, root: Path) -> list[Path]:
        """Return the files below a folder in which the canary is, in any form."""
        return sorted(path for path in root.rglob("*") if path.is_file() and self.held(path.read_bytes()))

    def held(self, content: bytes) -> bool:
        """Say whether the canary is in there, as it is, in base64, or as it stands in a URL or in JSON."""
        raw = self.value.encode()
        whole = [base64.b64encode(before + raw)[4:-4] for before in (b"", b"a", b"ab")]
        forms = [raw, *whole, quote(self.value, safe="").encode(), raw.hex().encode()]
        return any(form in content for form in forms)


def _command_lines() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield place.read_bytes()
        except OSError:  # it has ended
            continue


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Set a canary through stdin, run a job that gives it away wherever it can, take a backup."""
    root = tmp_path_factory.mktemp("planted")
    value, seen = f"canary/{secrets.token_urlsafe(24)}+", set()
    made = Installation(home=root / "home")
    made.up()
    ran = made.bucle("secret", "set", "canary", "--from-file", "-", stdin=f"{value}\n")
    assert ran.code == 0, ran.err
    write(root / "src" / "run.py", CODE)
    with made.client() as client:
        name = client.job.create(write(root / "job.yml", JOB))["name"]
        while (job := client.job.show(name))["ended_at"] is None:
            seen |= set(_command_lines())
            time.sleep(0.2)
        log = client.job.log(name, step="main").decode()
        ran = made.bucle("backup", str(root / "backup"))
        assert ran.code == 0, ran.err
        yield Planted(installation=made, value=value, job=job, log=log, seen=frozenset(seen), backup=root / "backup")
    made.bucle("down")


def test_job_is_given_it_and_its_log_is_not(planted: Planted) -> None:
    """The job had the value, for it wrote it down; whatever it printed of it, and its token, reads `***`."""
    assert planted.job["status"] == "failed"
    log = "plain ***\ntoken ***\n***\ncannot sign in with ***\n"
    assert planted.log == log
    written = list(planted.installation.home.rglob("written_by_the_user.txt"))
    assert {path.read_text() for path in written} == {planted.value}


def test_canary_is_nowhere_on_disk(planted: Planted) -> None:
    """Records, write-ahead log, logs, objects, orders of attempts: only what the job's own code wrote holds it."""
    home = planted.installation.home
    names = {path.name for path in home.iterdir()} | {path.name for path in (home / "log").iterdir()}
    records = {"records-address"} if (home / "records-address").exists() else {"records.db", "records.db-wal"}
    assert records | {"server.log", "attempts"} <= names  # the rows of PostgreSQL are searched in the backup
    found = planted.holders(home)
    assert found
    assert [path for path in found if path.name != "written_by_the_user.txt"] == []


def test_canary_is_not_in_a_backup(planted: Planted) -> None:
    """Nor is the key that would open it, unless that was asked for; the restored secret opens once the key is back."""
    found = planted.holders(planted.backup)
    assert [path for path in found if path.name != "written_by_the_user.txt"] == []
    names = {"keys.json", "trusted-keys.json", "secret-keys.json", "signing-keys.json"}
    assert {name for name in names if (planted.backup / name).exists()} == {"keys.json", "trusted-keys.json"}
    target = planted.backup.with_name("restored")
    ran = planted.installation.bucle("restore", str(planted.backup), "--home", str(target))
    assert (ran.code, "secrets open once their keys are back (1)" in ran.err) == (0, True), ran.err
    asked = planted.backup.with_name("asked")
    assert planted.installation.bucle("backup", str(asked), "--with-secret-keys").code == 0
    kept = planted.installation.home / "secret-keys.json"
    assert (asked / "secret-keys.json").read_bytes() == kept.read_bytes()


def test_canary_is_in_no_command_line(planted: Planted) -> None:
    """No process had it among its arguments, where everybody on the host can read it."""
    assert any(b"run.py" in line for line in planted.seen)
    assert [line for line in planted.seen if planted.held(line)] == []


def test_canary_is_in_no_answer(planted: Planted) -> None:
    """No answer of the API shows it: job, secrets, events, tracking, schema; every GET that takes no more names."""
    with planted.installation.client() as client:
        http = client._http
        schema = http.get("/api/v1/openapi.json")
        paths = [path for path, verbs in schema.json()["paths"].items() if "get" in verbs]
        name = planted.job["name"]
        wanted = [path.replace("{stage}", "dev").replace("/jobs/{name}", f"/jobs/{name}") for path in paths]
        answers = [schema, *(http.get(path) for path in wanted if "{" not in path and not path.endswith("stream"))]
        answers += [http.get("/api/v1/audit", params={"chain": "dev"})]
        answers += [http.post("/mlflow/dev/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0", "1"]})]
    assert any('"secrets/use"' in answer.text for answer in answers)
    assert any('"password"' in answer.text and "with ***" in answer.text for answer in answers)
    assert [answer.url for answer in answers if planted.held(answer.content)] == []


def test_no_operation_reads_one_back(planted: Planted) -> None:
    """Nobody holds secrets/reveal, no operation asks for it, and what names a secret lists it or takes it in."""
    with planted.installation.client() as client:
        paths = client._http.get("/api/v1/openapi.json").json()["paths"]
        assert client.secret.list(stage="dev")[0].keys() == {"name", "stage", "version", "set_by", "set_at"}
    operations = [operation for verbs in paths.values() for operation in verbs.values()]
    permissions = [operation.get("x-permission") for operation in operations]
    assert ("secrets/list" in permissions, "secrets/reveal" in permissions) == (True, False)
    found = {operation["operationId"] for operation in operations if "secret" in operation["operationId"]}
    assert found == {"secret.list", "secret.set", "secret.delete", "secret.rotate_key"}
    assert [role.name for role in BUILT_IN.values() if "secrets/reveal" in role.actions] == []


def _job(client: Client, root: Path, variable: str, command: str = "true") -> dict[str, Any]:
    quoted = command if command.startswith('"') else json.dumps(command)
    text = f'command: {quoted}\nenvironment: {{image: python}}\nenvironment_variables: {{A: "{variable}"}}\n'
    return client.job.create(write(root / "job.yml", text))


def test_secret_of_another_stage(client: Client, tmp_path: Path) -> None:
    """A job in dev is given a secret of dev; one that only prod has is not found, however it is named."""
    client.secret.set("of-dev", "a value of dev", stage="dev")
    client.secret.set("of-prod", "a value of prod", stage="prod")
    assert client.job.wait(_job(client, tmp_path, "${{secrets.of-dev}}")["name"])["status"] == "completed"
    with pytest.raises(errors.NotFound, match="no secret of-prod in dev"):
        _job(client, tmp_path, "${{secrets.of-prod}}")
    for name in ("prod.of-prod", "../prod/of-prod"):
        with pytest.raises(errors.BadRequest, match="nothing is called"):
            _job(client, tmp_path, f"${{{{secrets.{name}}}}}")


def test_only_as_a_whole_variable(client: Client, tmp_path: Path) -> None:
    """A part of a variable, or a command, would write it into a document or a command line."""
    client.secret.set("whole", "a value to use", stage="dev")
    _job(client, tmp_path, "${{secrets.whole}}")
    with pytest.raises(errors.BadRequest, match=r"cannot stand in environment_variables\.A"):
        _job(client, tmp_path, "user:${{secrets.whole}}")
    with pytest.raises(errors.BadRequest, match="cannot stand in command"):
        _job(client, tmp_path, "${{secrets.whole}}", command='"echo ${{secrets.whole}}"')


def test_deleted_before_it_starts(client: Client, tmp_path: Path) -> None:
    """A job that was submitted and finds its secret gone fails with the reason, and starts nothing."""
    client.secret.set("short-lived", "a value for now", stage="dev")
    text = """type: pipeline
jobs:
  first: {command: "sleep 3; echo x > ${{outputs.o}}/x", environment: {image: python}, outputs: {o: {type: uri_folder}}}
  then:
    command: ls ${{inputs.o}}
    environment: {image: python}
    environment_variables: {A: "${{secrets.short-lived}}"}
    inputs: {o: "${{parent.jobs.first.outputs.o}}"}
"""
    name = client.job.create(write(tmp_path / "two.yml", text))["name"]
    client.secret.delete("short-lived", stage="dev")
    ended = client.job.wait(name)
    step = next(row for row in ended["steps"] if row["name"] == "then")
    assert (step["status"], "there is no secret short-lived in dev" in step["reason"]) == ("failed", True)


def _put(house: House, credential: str, value: str | bytes, name: str = "one") -> tuple[int, str | None]:
    headers = {"Authorization": f"Bearer {credential}"}
    answer = house.api.put(f"/api/v1/stages/dev/secrets/{name}", content=value, headers=headers)
    assert "s3cr3t" not in answer.text
    return answer.status_code, answer.json().get("code")


def test_who_may_do_what(house: House) -> None:
    """The infrastructure engineer sets and cannot use, the data scientist uses and cannot set, a reader neither."""
    infra = house.person("infra", ("InfraEngineer", "/stages/dev"))
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    reader = house.person("reader", ("Reader", "/stages/dev"))
    assert _put(house, infra, "s3cr3t value")[0] == 200
    for credential in (scientist, reader):
        assert _put(house, credential, "s3cr3t value") == (403, "access.denied.not_in_role")
    asked = {"type": "command", "command": "true", "environment": {"image": "python"}}
    asked["environment_variables"] = {"A": "${{secrets.one}}"}
    for actions, status in ((["jobs/submit", "secrets/use"], 201), (["jobs/submit"], 403)):
        windows = [{"scope": "/stages/dev", "actions": actions}]
        token = house.done("POST", "/tokens", scientist, {"windows": windows})["token"]
        assert house.ask("POST", "/stages/dev/jobs", token, asked).status_code == status


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("s3cr3t", "secret.too_short"),
        ("s3cr3t\0with a zero", "secret.not_text"),
        (b"s3cr3t \xff\xfe bytes", "secret.not_text"),
        ("s3cr3t" * 20_000, "secret.too_long"),
    ],
)
def test_values_that_are_refused(house: House, value: str | bytes, code: str) -> None:
    """Too short to be kept out of a log, no text, or too long for a variable; no answer repeats it."""
    assert _put(house, house.admin, "s3cr3t value")[0] == 200
    assert _put(house, house.admin, value) == (400, code)
    assert _put(house, house.admin, "s3cr3t value", "1-bad") == (400, "secret.bad_name")


def test_command_line_takes_no_value(installation: Installation, tmp_path: Path) -> None:
    """From a file and from stdin, never as an option; without a terminal nobody is asked."""
    installation.up()
    write(tmp_path / "value.txt", "a value in a file\n")
    assert installation.bucle("secret", "set", "one", "--from-file", str(tmp_path / "value.txt")).code == 0
    assert installation.bucle("secret", "set", "one", "--from-file", "-", stdin="a value by stdin").code == 0
    assert installation.bucle("secret", "set", "one", "--value", "a value here").code == 2
    ran = installation.bucle("secret", "set", "one", stdin="")
    assert (ran.code, "--from-file -" in ran.err) == (2, True)
    listed = installation.bucle("secret", "list", "-o", "json").json()
    assert isinstance(listed, list)
    assert [(row["name"], row["version"]) for row in listed] == [("one", 2)]
    doctor = installation.bucle("doctor", "-o", "json").json()
    assert [row["verdict"] for row in doctor if row["check"] == "key file"] == ["ok"]  # type: ignore[attr-defined]
    (installation.home / "secret-keys.json").chmod(0o644)
    doctor = installation.bucle("doctor", "-o", "json").json()
    (bad,) = [row for row in doctor if row["check"] == "key file"]  # type: ignore[attr-defined]
    assert (bad["verdict"], "secret-keys.json can be read by others" in bad["detail"]) == ("fail", True)
