"""What two servers do at once, and what a server that was stopped does when it wakes up: one of it counts."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from bucle.config import Home
from bucle.execution.launcher import Starting
from bucle.ops import schedule
from bucle.runtime import hold as holding
from bucle.server.app import build_application
from bucle.server.compose import Installation, compose
from bucle.server.life import make_home
from bucle.server.records import hold
from bucle.serving.generation import raise_generation
from tests.postgresql import cluster

TICKS = 6


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """Give two servers' installations on one folder and one database, in this process; nothing turns by itself."""
    home, address = Home(root=tmp_path / "home"), cluster().database()
    make_home(home)
    with ExitStack() as kept:
        made = []
        for _ in range(2):
            held = kept.enter_context(closing(hold(home, address)))
            made.append(kept.enter_context(closing(compose(home, held.records, lambda: None))))
        yield made[0], made[1]


def _post(installation: Installation, path: str, body: object) -> None:
    token = installation.world.home.admin_token.read_text().strip()
    with TestClient(build_application(installation.world), base_url="http://127.0.0.1") as api:
        answer = api.post(f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 300, answer.text


def _count(installation: Installation, table: str) -> int:
    with installation.world.read() as rows:
        return int(rows.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one())


def test_a_tick_is_taken_once(pair: tuple[Installation, Installation]) -> None:
    """Six full hours, two clocks at each of them at the same time, twice over: six firings, six jobs."""
    trigger = {"type": "cron", "expression": "0 * * * *"}
    job = {"type": "command", "command": "true", "environment": {"image": "python"}}
    _post(pair[0], "/stages/dev/schedules", {"name": "hourly", "trigger": trigger, "create_job": job})
    for hour in range(1, TICKS + 1):
        at = pair[0].world.clock() + timedelta(hours=hour)
        worlds = [replace(one.world, clock=lambda at=at: at) for one in pair]
        clocks = [threading.Thread(target=schedule.advance, args=(world,)) for world in worlds * 2]
        for clock in clocks:
            clock.start()
        for clock in clocks:
            clock.join()
    assert (_count(pair[1], "job"), _count(pair[1], "fire")) == (TICKS, TICKS)


def test_two_first_starts_make_one_platform(pair: tuple[Installation, Installation]) -> None:
    """The keys are the same, there is one administrator, and one token opens both."""
    first, second = pair
    assert first.world.keys == second.world.keys
    assert first.world.signing.public() == second.world.signing.public()
    for one in pair:
        _post(one, "/stages/dev/online-endpoints", {"name": f"car-{pair.index(one)}"})
    assert _count(first, "principal") == 1


def test_an_older_table_of_routes_is_mended(pair: tuple[Installation, Installation]) -> None:
    """What a server wrote late, an older table, is replaced at the next look; the newest is left as it is."""
    first, second = pair
    file = first.world.home.gateway / "routes.json"
    first.world.routes.publish()
    older = file.read_bytes()
    with first.world.records.write(first.world.clock()) as transaction:
        newest = raise_generation(transaction)
    assert second.world.routes.publish() == newest
    file.write_bytes(older)
    second.world.routes.catch_up()
    assert json.loads(file.read_bytes())["generation"] == newest
    before = file.stat().st_mtime_ns
    second.world.routes.catch_up()
    assert file.stat().st_mtime_ns == before


def test_a_stopped_publisher_is_not_waited_for_for_ever(pair: tuple[Installation, Installation]) -> None:
    """A server that holds the table's lock and does nothing holds the others up for some seconds only."""
    first, second = pair
    first.world.routes.publish()
    stopped = holding.take(first.world.home.gateway / "routes.lock")
    assert stopped is not None
    with first.world.records.write(first.world.clock()) as transaction:
        newest = raise_generation(transaction)
    assert second.world.routes.publish() == newest
    os.close(stopped)


@dataclass(slots=True, kw_only=True)
class Stopped:
    """A launcher of which another server holds the order of each attempt."""

    submit_to: Callable[[Starting], None]
    attempts: Path
    held: list[tuple[Starting, int]]

    def submit(self, starting: Starting) -> None:
        """Ask for the attempt while its order is held."""
        (self.attempts / starting.attempt_id).mkdir(parents=True)
        taken = holding.take(self.attempts / starting.attempt_id / "order")
        assert taken is not None
        self.held.append((starting, taken))
        self.submit_to(starting)


def test_one_server_at_a_time_lays_an_attempt_out(pair: tuple[Installation, Installation]) -> None:
    """While one that was stopped holds the order nobody starts the attempt; when it is gone, it starts."""
    engine, launcher = pair[0].engine, pair[0].engine.launcher
    attempts = pair[0].world.home.attempts
    stopped = Stopped(submit_to=launcher.submit, attempts=attempts, held=[])
    body = {"type": "command", "command": "true", "environment": {"image": "python"}}
    _post(pair[1], "/stages/dev/jobs", body)
    engine.launcher = stopped  # type: ignore[assignment]  # one turn asks it for nothing else
    engine.turn(sweep=True, hinted=set())
    ((starting, order),) = stopped.held
    assert not (attempts / starting.attempt_id / "spec.json").exists()
    os.close(order)
    launcher.submit(starting)
    assert (attempts / starting.attempt_id / "spec.json").exists()
