"""A right that was taken away refuses within a second, on a real server, in a long call too; a job keeps its run."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bucle import errors
from bucle.client import Client
from tests.conftest import Installation, write

PASSWORD = "correct horse battery"
PEOPLE = ("ana", "ben", "cai", "dan", "eva", "fay")
AT_ONCE_S = 1.0
BEATING = """
import json, os, time, urllib.error, urllib.request
base, token = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(path, data, {"Authorization": "Bearer " + token})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
server = base.split("/mlflow/")[0]
for beat in range(200):
    own = ask(base + "/api/2.0/mlflow/runs/log-metric",
        dict(run_id=os.environ["MLFLOW_RUN_ID"], key="beat", value=beat, timestamp=1 + beat, step=beat))
    others = [ask(server + "/api/v1/stages/dev/jobs"), ask(server + "/api/v1/stages/dev/models"),
        ask(base + "/api/2.0/mlflow/runs/create", {"experiment_id": "none"})]
    print("beat", beat, own, *others, flush=True)
    time.sleep(0.2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server with people who each hold DataScientist in dev."""

    installation: Installation
    sessions: dict[str, str]
    bindings: dict[str, str]

    def client(self, name: str) -> Client:
        """Return somebody's client."""
        return Client(self.installation.address, self.sessions[name])

    def admin(self) -> Client:
        """Return the administrator's client."""
        return self.installation.client()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start a server under `governance: team`, with a person for each test."""
    made = Installation(home=tmp_path_factory.mktemp("revoked") / "home")
    made.up()
    sessions, bindings = {}, {}
    with made.client() as admin:
        for name in PEOPLE:
            code = admin.principal.invite(name, kind="person")["code"]
            body = {"code": code, "password": PASSWORD}
            sessions[name] = httpx2.post(f"{made.address}/api/v1/sign-in:redeem", json=body).json()["session"]
            bindings[name] = admin.binding.create(name, "DataScientist", "/stages/dev")["id"]
    yield Place(installation=made, sessions=sessions, bindings=bindings)
    made.bucle("down")


def test_a_revoked_binding_refuses_at_once(place: Place) -> None:
    """He may; a moment after the binding went he may not, without signing in again."""
    with place.client("ana") as ana, place.admin() as admin:
        assert ana.job.list(stage="dev") == []
        admin.binding.delete(place.bindings["ana"])
        begun = time.monotonic()
        with pytest.raises(errors.BucleError) as refused:
            ana.job.list(stage="dev")
    assert refused.value.code == "access.denied.no_grants"
    assert time.monotonic() - begun < AT_ONCE_S


def test_a_revoked_token_opens_nothing(place: Place) -> None:
    """The token opens what its owner may; revoked, nothing."""
    with place.client("ben") as ben:
        made = ben.token.create()
        with Client(place.installation.address, made["token"]) as by_token:
            assert by_token.job.list(stage="dev") == []
            ben.token.revoke(made["id"])
            begun = time.monotonic()
            with pytest.raises(errors.NotSignedIn):
                by_token.job.list(stage="dev")
    assert time.monotonic() - begun < AT_ONCE_S


def test_a_disabled_principal_is_out(place: Place) -> None:
    """His session and his token end with him."""
    with place.client("cai") as cai, place.admin() as admin:
        token = cai.token.create()["token"]
        assert cai.job.list(stage="dev") == []
        admin.principal.disable("cai")
        begun = time.monotonic()
        for credential in (place.sessions["cai"], token):
            with Client(place.installation.address, credential) as gone, pytest.raises(errors.NotSignedIn):
                gone.job.list(stage="dev")
    assert time.monotonic() - begun < 2 * AT_ONCE_S


@pytest.mark.parametrize("taken", ["token", "binding"])
def test_a_right_lost_in_the_middle_of_an_upload(place: Place, taken: str) -> None:
    """Half of the bytes are sent when the right goes: the other half is refused, and nothing of it is kept."""
    name = {"token": "dan", "binding": "eva"}[taken]
    content = [taken.encode() * 100_000, b"rest"]
    digest = f"sha256:{hashlib.sha256(b''.join(content)).hexdigest()}"
    with place.client(name) as person, place.admin() as admin:
        made = person.token.create()
        address = f"{place.installation.address}/api/v1/stages/dev/code/{digest}"
        headers = {"Authorization": f"Bearer {made['token']}"}

        def halves() -> Iterator[bytes]:
            yield content[0]
            time.sleep(0.5)  # the server has taken the first half, and waits
            person.token.revoke(made["id"]) if taken == "token" else admin.binding.delete(place.bindings[name])
            yield content[1]

        refused = httpx2.put(address, content=halves(), headers=headers)
    assert refused.status_code == {"token": 401, "binding": 403}[taken], refused.text
    kept = [path for path in place.installation.home.glob("objects/**/*") if digest[7:] in path.name]
    assert kept == []
    again = {"Authorization": f"Bearer {place.installation.token}"}
    assert httpx2.put(address, content=b"".join(content), headers=again).status_code == 200


def test_a_running_job_keeps_its_run_and_nothing_else(place: Place, tmp_path: Path) -> None:
    """Its submitter loses the role: he is refused, the job writes on to its own run, and the audit tells of both."""
    write(tmp_path / "src" / "beat.py", BEATING)
    job = write(tmp_path / "job.yml", "code: src\ncommand: python beat.py\nenvironment: {image: python}\n")
    with place.client("fay") as fay, place.admin() as admin:
        name = fay.job.create(job)["name"]
        before = _beats(admin, name, more_than=1)
        admin.binding.delete(place.bindings["fay"])
        with pytest.raises(errors.BucleError):
            fay.job.show(name)
        after = _beats(admin, name, more_than=len(before) + 3)
        admin.job.cancel(name)
        told = {(line["what"], line["who"]) for chain in ("platform", "dev") for line in _chain(admin, chain)}
    assert {beat.split()[2] for beat in after} == {"200"}
    assert all(status in {"403", "404"} for beat in after for status in beat.split()[3:5])
    assert {("assignments/delete", "admin"), ("jobs/submit", "fay")} <= told


def _beats(admin: Client, name: str, *, more_than: int) -> list[str]:
    """Wait until the job has written so many lines; return them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = [line for line in admin.job.log(name).decode().splitlines() if line.startswith("beat")]
        if len(lines) > more_than:
            return lines
        time.sleep(0.2)
    raise AssertionError(f"no {more_than} beats within a minute: {admin.job.show(name)}")


def _chain(admin: Client, chain: str) -> list[dict[str, str]]:
    return [*admin.audit.list(chain=chain)]
