"""People and promotions: who may say what, what voids it, what a kill leaves, and what the ledger answers."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from tests.release.conftest import ENDPOINT, STAGE, Platform, doubts

COUNTS_EVERY_S = 1.0
"""How often the gateway tells its counts: the replays of the standing gate are never evidence, told late or not."""


@pytest.fixture
def begun(platform: Platform, better: str) -> Any:
    """Give a promotion of the second model that waits for approval; it is canceled when the test left it open."""
    made = platform.request(better)
    assert made["state"] == "awaiting approval"
    yield made
    if platform.show(made["name"])["ended_at"] is None:
        platform.cancel(made["name"])


def test_nobody_approves_his_own(platform: Platform, begun: dict[str, Any]) -> None:
    """The scientist is an approver too: refused as the requester, where the engineer is heard."""
    with platform.of("scientist") as scientist, pytest.raises(errors.Refused, match="asked for this promotion"):
        scientist.promotion.approve(begun["name"], acknowledge=doubts(begun))
    with platform.of("engineer") as engineer:
        said = engineer.promotion.approve(begun["name"], acknowledge=doubts(begun))
    assert [one["by"] for one in said["approvals"]] == ["engineer"]


def test_a_token_approves_nothing(platform: Platform, begun: dict[str, Any]) -> None:
    """The same person: refused through a token of his, heard in his own session."""
    with platform.of("approver") as approver:
        token = approver.token.create()["token"]
    with platform.installation.client(token) as by_token, pytest.raises(errors.Refused, match="own login session"):
        by_token.promotion.approve(begun["name"], acknowledge=doubts(begun))
    with platform.of("approver") as approver:
        assert approver.promotion.approve(begun["name"], acknowledge=doubts(begun))["approvals"]


def test_a_rejection_ends_it(platform: Platform, begun: dict[str, Any]) -> None:
    """The reason names who said no and why; nobody can take it up again."""
    with platform.of("approver") as approver, platform.of("engineer") as engineer:
        said = approver.promotion.reject(begun["name"], comment="not before Monday")
        assert (said["state"], said["reason"]) == ("rejected", "rejected by approver: not before Monday")
        with pytest.raises(errors.Conflict):
            engineer.promotion.execute(begun["name"])
        with pytest.raises(errors.Conflict):
            engineer.promotion.approve(begun["name"], acknowledge=doubts(begun))


def test_a_gate_changed_after_approval_voids_it(platform: Platform, begun: dict[str, Any]) -> None:
    """What was approved was another plan: the promotion is refused, and production stays as it was."""
    before = platform.production()
    with platform.of("approver") as approver, platform.of("engineer") as engineer:
        approver.promotion.approve(begun["name"], acknowledge=doubts(begun))
        gate = platform.folder / "gate.yml"
        changed = platform.folder / "gate-changed.yml"
        changed.write_text(gate.read_text().replace("max: 2.0", "max: 1.9"))
        with platform.installation.client() as administrator:
            administrator.gate.set(changed)
            engineer.promotion.execute(begun["name"])
            ended = platform.end_of(begun["name"])
            administrator.gate.set(gate)
    assert (ended["state"], ended["standing_gate"]) == ("refused", None)
    assert "changed" in ended["reason"]
    assert platform.production() == before


def test_racing_executors_begin_it_once(platform: Platform, begun: dict[str, Any]) -> None:
    """Six at once, approved: one deployment, one use of the approval."""

    def execute() -> None:
        with platform.of("engineer") as engineer:
            engineer.promotion.execute(begun["name"])

    with platform.of("approver") as approver:
        approver.promotion.approve(begun["name"], acknowledge=doubts(begun))
    racing = [threading.Thread(target=execute) for _ in range(6)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    platform.await_state(begun["name"], lambda found: found["state"] == "rolling")
    assert platform.cancel(begun["name"])["state"] == "canceled"
    with platform.of("auditor") as auditor:
        lines = auditor.audit.list(STAGE)
    mine = [line["what"] for line in lines if line["subject"] == f"promotion/{begun['name']}"]
    assert [mine.count(f"promotions/{what}") for what in ("execute", "begin", "canceled")] == [1, 1, 1]


def test_one_byte_changed_after_approval_is_refused(platform: Platform, begun: dict[str, Any]) -> None:
    """The bytes that were approved are not there any more: nothing is deployed, whatever the records say."""
    before = platform.production()
    with platform.of("scientist") as scientist:
        digest = scientist.model.show(*begun["model"].split(":"), stage="dev")["digest"]
    with platform.of("approver") as approver, platform.of("engineer") as engineer:
        approver.promotion.approve(begun["name"], acknowledge=doubts(begun))
        file = _a_file_of(platform, digest)
        content = file.read_bytes()
        _write(file, bytes([content[0] ^ 1]) + content[1:])
        try:
            engineer.promotion.execute(begun["name"])
            ended = platform.end_of(begun["name"])
        finally:
            _write(file, content)
    assert ended["state"] == "refused"
    assert "bytes" in ended["reason"]
    assert platform.production() == before


def _a_file_of(platform: Platform, digest: str) -> Path:
    """Return the stored object of the largest file of a model."""
    objects = platform.installation.home / "objects"
    (manifest,) = objects.glob(f"dev*/*/{digest.removeprefix('sha256:')}")
    rows = json.loads(manifest.read_bytes())
    largest = max(rows, key=lambda row: row[2])[3].removeprefix("sha256:")
    (file,) = objects.glob(f"dev*/*/{largest}")
    return file


def _write(file: Path, content: bytes) -> None:
    file.chmod(0o600)
    file.write_bytes(content)


def test_a_canary_that_fails_in_its_second_step_returns(platform: Platform, first: dict[str, Any]) -> None:
    """It answered its first twenty well, raises from its 26th on, and the champion has all traffic again."""
    before = platform.production()
    begun = platform.request(platform.package("tires"))
    platform.approve(begun)
    platform.await_state(begun["name"], lambda found: found["state"] == "rolling")
    answers = platform.ask(20, azureml_model_deployment=begun["deployment"])
    assert {answer.status_code for answer in answers} == {200}
    platform.await_state(begun["name"], lambda found: found["rollout"]["at"] == 1)
    ended = platform.end_of(begun["name"], asking=True)
    assert (ended["state"], ended["rollout"]["at"]) == ("returned", 1)
    assert "requests failed; 0 are allowed" in ended["reason"]
    assert platform.endpoint()["traffic"] == {first["deployment"]: 100}
    assert platform.production() == before


def test_a_canary_holds_without_traffic_and_outlives_a_kill(
    platform: Platform, first: dict[str, Any], better: str
) -> None:
    """No time makes it pass; a server killed meanwhile finds it where it was, and requests complete it."""
    begun = platform.request(better)
    platform.approve(begun)
    held = platform.await_state(
        begun["name"], lambda found: (found["rollout"].get("note") or "").startswith("waiting for evidence")
    )
    assert held["rollout"]["note"] == "waiting for evidence: 0 of 20 requests"
    time.sleep(2 * COUNTS_EVERY_S)
    assert platform.show(begun["name"])["rollout"]["note"] == held["rollout"]["note"]
    halves = {first["deployment"]: 50, begun["deployment"]: 50}
    assert platform.endpoint()["traffic"] == halves
    os.kill(platform.installation.pid, signal.SIGKILL)
    platform.installation.up()
    assert platform.show(begun["name"])["state"] == "rolling"
    assert platform.endpoint()["traffic"] == halves
    assert platform.ask()[0].status_code == 200
    assert platform.end_of(begun["name"], asking=True)["state"] == "completed"
    assert platform.endpoint()["traffic"] == {begun["deployment"]: 100}


def test_the_ledger_answers_and_a_rollback_serves_the_former_bytes(platform: Platform, first: dict[str, Any]) -> None:
    """What served is asked by instant; the rollback needs no approval and answers as the former release did."""
    with platform.of("engineer") as engineer:
        newest, oldest = engineer.model.history(ENDPOINT, stage=STAGE)
        assert oldest["release"] == first["release"]
        assert engineer.model.history(ENDPOINT, stage=STAGE, as_of=oldest["from_at"]) == [oldest]
        assert engineer.model.history(ENDPOINT, stage=STAGE, as_of=newest["from_at"]) == [newest]
        assert engineer.model.history(ENDPOINT, stage=STAGE, as_of="2020-01-01T00:00:00Z") == []
        answer = platform.ask(azureml_model_deployment=oldest["deployment"])[0].json()
        assert platform.ask()[0].json() != answer
        assert engineer.promotion.rollback(ENDPOINT, stage=STAGE)["digest"] == oldest["digest"]
        assert platform.ask()[0].json() == answer
        assert engineer.model.history(ENDPOINT, stage=STAGE)[0]["why"] == "rollback"
    with platform.of("scientist") as scientist, pytest.raises(errors.BucleError):
        scientist.promotion.rollback(ENDPOINT, stage=STAGE)


def test_a_trace_names_the_people(platform: Platform, first: dict[str, Any]) -> None:
    """From one answer to who trained it, who requested, approved and executed it."""
    served = platform.endpoint()["traffic"]
    platform.ask(x_request_id="traced-1")
    found = _traced(platform, "traced-1")
    assert served == {found["deployment"]: 100}
    assert (found["author"], found["job"]["submitted_by"]) == ("scientist", "scientist")
    people = found["promotion"]
    assert (people["requested_by"], people["approved_by"], people["executed_by"]) == (
        "scientist", ["approver"], "engineer",
    )  # fmt: skip
    assert people["acknowledged"] == ["fairness.region"]
    assert found["release"]["digest"] == first["release_digest"]
    assert [one["reference"] for one in found["data"]] == ["azureml:costs:1"]


def _traced(platform: Platform, request: str) -> dict[str, Any]:
    """Return the trace of a request; it is in the records a moment after its answer."""
    with platform.of("engineer") as engineer:
        for _ in range(100):
            try:
                return engineer.platform.trace(request)
            except errors.NotFound:
                time.sleep(0.1)
        return engineer.platform.trace(request)


def test_a_release_verifies_elsewhere(platform: Platform, first: dict[str, Any], tmp_path: Path) -> None:
    """A scientist takes the model that serves with him; its files, signature and approval verify without us."""
    name, version = first["model"].split(":")
    asked = ("model", "download", "-n", name, "-v", version, "--stage", "dev", "-p", str(tmp_path / "bundle"))
    ran = platform.installation.bucle(*asked, token=platform.sessions["scientist"])
    assert ran.code == 0, ran.err
    bundle = tmp_path / "bundle"
    subject = json.loads(base64.b64decode(json.loads((bundle / "release.dsse.json").read_bytes())["payload"]))[
        "subject"
    ]
    found = {path.relative_to(bundle / "model").as_posix(): path for path in (bundle / "model").rglob("*.*")}
    sums = {one["name"]: one["digest"]["sha256"] for one in subject}
    assert {
        where: hashlib.sha256(path.read_bytes()).hexdigest() for where, path in found.items()
    }.items() <= sums.items()
    assert (bundle / "approval-1.dsse.json").exists()
    keys = platform.installation.bucle("audit", "key", token=platform.sessions["scientist"]).json()
    assert isinstance(keys, dict)
    assert (bundle / "platform-key.pem").read_text() == keys["statements"]
    verify = ("verify", "key", str(bundle / "model"), "--signature", str(bundle / "model.sig"), "--no-ignore-git-paths")
    command = [sys.executable, "-m", "model_signing", *verify, "--public_key", str(bundle / "model-key.pem")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
