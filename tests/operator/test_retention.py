"""Retention: what is over goes, once, with an event; what is not over, and every record of a run, stays."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from bucle.client import Client
from bucle.config import Home
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops import retention
from bucle.ops.world import World
from bucle.runtime.segment import SEALED
from bucle.server.compose import compose
from bucle.server.records import hold
from bucle.store.events import read_chain, verify_chain
from tests.conftest import Installation, write
from tests.operator.conftest import worked

PLATFORM = """
name: cars
governance: solo
paths: {main: [dev, preprod, prod]}
stages: {dev: {tier: dev}, preprod: {tier: preprod}, prod: {tier: prod}}
"""
KEPT = "retention: {attempts: P30D, scored_rows: P1Y}\n"


@pytest.fixture
def worked_on(installation: Installation, tmp_path: Path) -> Iterator[tuple[World, dict[str, Any]]]:
    """Give the world of a server that did a job and was stopped, its retention set by the platform's file; the job."""
    installation.up()
    with installation.client() as client:
        job = worked(client, tmp_path)
        applied = client.platform.apply(write(tmp_path / "platform.yml", PLATFORM + KEPT))
        assert applied["left"] == 0
        again = client.platform.plan(write(tmp_path / "platform.yml", PLATFORM + KEPT))
        assert again["steps"] == []
    installation.bucle("down")
    home = Home(root=installation.home)
    with closing(hold(home, None)) as held:
        made = compose(home, held.records, lambda: None)
        try:
            yield made.world, job
        finally:
            made.close()


def scored(number: int, at: datetime) -> Scored:
    """Return a row that was scored then."""
    return Scored(
        stage="prod", endpoint="car", correlation_id=f"c{number}", request_id=f"r{number}", deployment="one",
        release="calm-heron", accepted_at=at, event_at=None, columns={"a": 1}, prediction=2.0,
    )  # fmt: skip


def segments_of(world: World, folder: Path, now: datetime) -> set[str]:
    """Write what a gateway collected: old and folded, of replays, not yet folded, newer; return the names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, age in (("live-1", 0), ("replayed-1", 0), ("live-2", 0), ("live-3", 200)):
        path = folder / f"{name}{SEALED}"
        path.write_bytes(b"")
        at = (now + timedelta(days=age)).timestamp()
        os.utime(path, (at, at))
    with world.records.write(now) as transaction:
        for name in ("live-1", "live-3"):
            traffic.keep(transaction, f"{name}{SEALED}", [])
    return {path.name for path in folder.iterdir()}


def test_what_is_over_goes_once(worked_on: tuple[World, dict[str, Any]]) -> None:
    """After 29 days nothing, after 31 the attempts but not their logs, after a year the older row; each once."""
    world, now = worked_on[0], datetime.now(UTC)
    with world.records.write(now) as transaction:
        traffic.keep(transaction, "s", [scored(1, now), scored(2, now + timedelta(days=200))])
        traffic.put_label(transaction, "prod", "car", "c1", 1.0, labelled_at=None)
    collected = world.home.gateway / "segments"
    names = segments_of(world, collected, now)
    nothing = {"attempts": 0, "logs": 0, "scored_rows": 0, "segments": 0}
    ran = len(list(world.home.attempts.iterdir()))
    assert ran > 0
    gone = [
        retention.apply(replace(world, clock=lambda d=days: now + timedelta(days=d))) for days in (29, 31, 31, 367, 367)
    ]
    assert gone == [
        nothing, {**nothing, "attempts": ran}, nothing, {**nothing, "scored_rows": 1, "segments": 2}, nothing,
    ]  # fmt: skip
    assert {path.name for path in collected.iterdir()} == names - {f"live-1{SEALED}", f"replayed-1{SEALED}"}
    assert {path.name for path in world.home.attempts.glob("*/*")} == {"out.log", "work"}
    assert {path.name for path in world.home.attempts.glob("*/work/*")} == {"outputs"}
    with world.read() as rows:
        told = [line["after"] for line in read_chain(rows, "platform") if line["what"] == "retention/applied"]
        assert told == [gone[1], gone[3]]
        assert verify_chain(rows, "platform") is None
        assert traffic.find(rows, "prod", "car", "c2") is not None


def test_a_run_is_still_told_of(worked_on: tuple[World, dict[str, Any]], installation: Installation) -> None:
    """With its attempts gone a job is shown as it was, its data and outputs are there, and the backup is good."""
    world, job = worked_on
    retention.apply(replace(world, clock=lambda: datetime.now(UTC) + timedelta(days=40)))
    copied = list(world.home.root.rglob(f"jobs/{job['name']}/**/copied.csv"))
    assert [path.read_text() for path in copied] == ["a,b\n1,2\n"]
    taken = installation.bucle("backup", str(installation.home.parent / "backup"))
    assert taken.code == 0, taken.err
    drilled = installation.bucle("restore", str(installation.home.parent / "backup"), "--drill")
    assert drilled.code == 0, drilled.out


def test_a_span_is_planned_or_refused(client: Client, tmp_path: Path) -> None:
    """A span is a step of the plan; what is none, and none at all, is refused."""
    good = client.platform.plan(write(tmp_path / "platform.yml", PLATFORM + KEPT))
    assert any("retention_attempts: P30D" in step["text"] for step in good["steps"])
    for span in ("30 days", "P0D"):
        file = write(tmp_path / "wrong.yml", PLATFORM + KEPT.replace("P30D", span))
        with pytest.raises(errors.BadRequest):
            client.platform.plan(file)
