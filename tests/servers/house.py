"""Several servers on one database and one state folder, started as people start them, and jobs whose steps tell."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.client import Client
from bucle.config import Home, Living, living_servers
from bucle.store.records import Records
from tests.conftest import Installation, write

LEASE_S = "5"
WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A state folder whose records are in PostgreSQL, and its servers."""

    installation: Installation
    records: str

    @property
    def home(self) -> Home:
        """The state folder."""
        return Home(root=self.installation.home)

    def up(self) -> Living:
        """Start one more server; return it."""
        before = {one.id for one in self.living()}
        ran = self.installation.bucle("up", "--port", "0", "--records", self.records, env={"BUCLE_LEASE_S": LEASE_S})
        assert ran.code == 0, ran.err
        (made,) = [one for one in self.living() if one.id not in before]
        return made

    def two(self) -> None:
        """See to it that two servers run, and that one of them drives."""
        while len(self.living()) < 2:
            self.up()
        until(lambda: any(one.drives for one in self.living()))

    def living(self) -> list[Living]:
        """Return the servers that answer, the one that drives first."""
        return [one for one in living_servers(self.home) if one.address is not None]

    def driver(self, *, after: str | None = None) -> Living:
        """Wait until a server drives, another one than `after`; return it."""
        until(lambda: any(one.drives and one.id != after for one in self.living()))
        return next(one for one in self.living() if one.drives)

    def client(self, one: Living) -> Client:
        """Return the administrator's client of one of the servers."""
        return Client(str(one.address), self.installation.token)

    def twice_recorded(self) -> list[Any]:
        """Return the steps of which more than one attempt, or more than one success, is recorded."""
        query = "SELECT step_id, count(*) FROM attempt GROUP BY step_id HAVING count(*) <> 1"
        with closing(Records(self.records)) as records, records.read() as rows:
            return list(rows.execute(sa.text(query)))


def kill(one: Living, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a server a signal."""
    os.kill(one.pid, number)


def until(holds: Callable[[], bool], *, wait_s: float = WAIT_S) -> None:
    """Wait until something holds; fail when it does not in time."""
    end = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < end, "it does not come to hold in time"
        time.sleep(0.05)


def ended(house: House, name: str) -> Mapping[str, Any]:
    """Wait for a job's end, at whichever server answers; return the job."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            with house.client(house.living()[0]) as client:
                found = client.job.show(name)
        except (errors.BucleError, IndexError):
            time.sleep(0.2)
            continue
        if found["status"] in {"completed", "failed", "canceled"}:
            return found
        time.sleep(0.2)
    raise AssertionError(name)


def job(folder: Path, ledger: Path, *, span_s: float = 0.2) -> Path:
    """Write a job of two steps; each tells the ledger which attempt it is, when it begins and when it ends."""
    line = f"echo begin $BUCLE_ATTEMPT >> {ledger}/lines; sleep {span_s}; echo end $BUCLE_ATTEMPT >> {ledger}/lines"
    text = f"""type: pipeline
jobs:
  a: {{command: "{line}", environment: {{image: python}}, outputs: {{out: {{type: uri_folder}}}}}}
  b:
    command: "{line}"
    environment: {{image: python}}
    inputs: {{x: "${{{{parent.jobs.a.outputs.out}}}}"}}
"""
    return write(folder / "job.yml", text)
