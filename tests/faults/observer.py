"""What stands after a campaign: read through the public API, the objects' own bytes, the ledger, and /proc."""

import hashlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bucle.client import Client
from tests.faults.checker import ENDED, Job, Run, Standing, Step
from tests.faults.history import History
from tests.faults.house import House, await_true, cmdline, environ, is_alive
from tests.faults.load import DEV, ENDPOINT, MLFLOW
from tests.faults.points import opened_by, pids

AFTER_THE_END_S = 12.0
"""How long what a job left may take to be gone, once its job has ended."""


def rest(house: House, *, serving: bool) -> list[str]:
    """Wait until every job has ended and the endpoint serves; return what does not come to rest."""
    wrong = []
    with house.installation.client() as client:
        try:
            await_true(lambda: _unfinished(client) == 0, "every job ends")
            if serving:
                await_true(lambda: _follows(house, client), "the gateway follows the records")
        except AssertionError as never:
            wrong.append(f"never came true: {never}")
        if not client.audit.verify()["intact"]:
            wrong.append("a chain of events is broken")
    until = time.monotonic() + AFTER_THE_END_S
    while (left := house.user_code()) and time.monotonic() < until:
        time.sleep(0.05)
    return wrong + [f"process {pid} of a job that has ended" for pid in left]


def observe(house: House, history: History, lines: Path, *, serving: bool) -> Standing:
    """Return what stands; the server runs still, its load has stopped and everything is at rest."""
    told = history.since(0)
    jobs = {one.act.subject for one in told if one.act.kind == "job"}
    runs = {one.act.subject for one in told if one.act.kind == "measurement"}
    with house.installation.client() as client:
        events = Counter(
            (line["what"], line["subject"]) for name in ("dev", "platform") for line in _chain(client, name)
        )
        events += Counter((line["what"], line["subject"]) for line in _chain(client, "prod"))
        there = {one["name"] for one in client.job.list()}
        data = {one["name"]: one["digest"] for one in client.data.list()}
        return Standing(
            data=data,
            jobs={name: _job(client, name) for name in jobs & there},
            measured={run: _measured(client, run) for run in runs},
            principals=frozenset(one["name"] for one in client.principal.list()),
            rejected=frozenset(
                one["name"] for one in client.promotion.list(stage="prod") if one["state"] == "rejected"
            ),
            traffic=_traffic(client) if serving else {},
            events=events,
            runs=[*_runs(lines)],
            killed=frozenset(house.killed),
            broken=[*_broken(house)],
        )


def logged_faults(house: House) -> Iterator[str]:
    """Yield what the server wrote down as a fault of its own: none of those that were made excuses one."""
    for line in (house.home / "log" / "server.log").read_text(errors="replace").splitlines():
        if '"level":"ERROR"' in line:
            yield line.partition('"logger"')[2][:400]


def left_running(home: Path) -> list[str]:
    """Return what runs of a state folder after its server was stopped."""
    mine, place = set(), str(home).encode()
    for pid in pids():
        opened = "\n".join(opened_by(pid)).encode()
        if place in cmdline(pid) or place in environ(pid) or place in opened:
            mine.add(pid)
    return [f"process {pid}: {cmdline(pid)[:200]!r}" for pid in mine if is_alive(pid)]


def _unfinished(client: Client) -> int:
    return len([job for job in client.job.list() if job["status"] not in ENDED])


def _follows(house: House, client: Client) -> bool:
    """Return whether gateway and keeper do what the records say, and the endpoint answers."""
    routes, applied = house.read("routes"), house.read("applied")
    if not routes or applied.get("generation") != routes["generation"]:
        return False
    told = {name: share * 10 for name, share in _traffic(client).items()}
    if routes["endpoints"][0]["traffic"] != told:
        return False
    answer = client.data.session.http.post(f"{DEV}/online-endpoints/{ENDPOINT}:invoke", json=SCORED)
    return answer.status_code == 200


SCORED = {"input_data": {"columns": ["act"], "data": [["a"]]}}


def _traffic(client: Client) -> dict[str, float]:
    found: dict[str, float] = client.online_endpoint.show(ENDPOINT)["traffic"]
    return found


def _chain(client: Client, name: str) -> Iterator[dict[str, str]]:
    yield from client.data.session.pages("/api/v1/audit", chain=name, limit=1000)


def _job(client: Client, name: str) -> Job:
    found = client.job.show(name)
    steps = [Step(name=one["name"], status=one["status"], attempts=one["attempts"]) for one in found["steps"]]
    return Job(status=found["status"], steps=steps)


def _measured(client: Client, run: str) -> dict[str, int]:
    found = client.data.session.get(f"{MLFLOW}/runs/get", run_id=run)["run"]["data"].get("metrics", [])
    history = client.data.session.get
    return {
        one["key"]: len(history(f"{MLFLOW}/metrics/get-history", run_id=run, metric_key=one["key"])["metrics"])
        for one in found
    }


def _runs(lines: Path) -> Iterator[Run]:
    text = lines.read_text() if lines.exists() else ""
    for line in text.splitlines():
        job, step, attempt = line.split()
        yield Run(job=job, step=step, attempt=attempt)


def _broken(house: House) -> Iterator[str]:
    """Tell what is not whole: the database, an object whose bytes are not those of its name, traffic on its way."""
    records = house.home / "records.db"
    if records.exists():
        with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as rows:
            (word,) = rows.execute("PRAGMA integrity_check").fetchone()
            if word != "ok":
                yield f"integrity_check: {word}"
    for file in _objects(house.home):
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.name:
            yield f"the object {file} has the digest {found}"
    for endpoint in house.read("routes").get("endpoints", ()):
        if sum(endpoint["traffic"].values()) not in {0, 1000}:
            yield f"traffic on its way: {json.dumps(endpoint['traffic'])}"


def _objects(home: Path) -> Iterator[Path]:
    for folder in (home / "objects", home / "datastores"):
        for file in folder.rglob("*"):
            if file.is_file() and len(file.name) == 64 and not file.name.startswith("."):
                yield file
