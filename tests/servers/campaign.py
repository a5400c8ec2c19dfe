"""A campaign: two servers on one database, one of them killed every few seconds, while jobs are submitted at both."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bucle import errors
from tests.servers.house import House, ended, job, kill

UNFINISHED = 50


@dataclass(slots=True, kw_only=True)
class Campaign:
    """What is done for how long. `most` jobs at the most are unfinished at a time."""

    house: House
    ledger: Path
    seed: int
    every_s: float = 10.0
    most: int = UNFINISHED
    say: Callable[[str], None] = lambda _: None
    acknowledged: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float) -> "Report":
        """Submit and kill for so long, wait for every job, and look at what is recorded."""
        chance = random.Random(self.seed)
        self.house.two()
        with self.house.client(self.house.living()[0]) as client:
            before = {one["name"] for one in client.job.list()}
        document = job(self.ledger, self.ledger)
        submitting = threading.Thread(target=self._submit, args=(document, random.Random(self.seed + 1)))
        submitting.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                began = time.monotonic()
                victim = chance.choice(self.house.living())
                kill(victim)
                self.killed["driver" if victim.drives else "follower"] += 1
                self.house.up()
                self.say(f"{len(self.acknowledged)} jobs, {self.killed.total()} kills")
                time.sleep(max(0.0, began + self.every_s - time.monotonic()))
        finally:
            self._stop.set()
            submitting.join()
        return self._report(before)

    def _submit(self, document: Path, chance: random.Random) -> None:
        """Submit at whichever server lives, as long as not too many jobs are unfinished."""
        while not self._stop.is_set():
            try:
                with self.house.client(chance.choice(self.house.living())) as client:
                    found = client.job.list()
                    unfinished = sum(one["status"] in {"queued", "running"} for one in found)
                    for _ in range(self.most - unfinished):
                        self.acknowledged.append(client.job.create(document)["name"])
                        if self._stop.wait(0.05):
                            return
            except (errors.BucleError, OSError, IndexError) as fault:
                self.refused[getattr(fault, "code", type(fault).__name__)] += 1
            self._stop.wait(0.5)

    def _report(self, before: Collection[str]) -> "Report":
        states = Counter(str(ended(self.house, name)["status"]) for name in self.acknowledged)
        self.house.two()
        with self.house.client(self.house.living()[0]) as client:
            every = [one["name"] for one in client.job.list() if one["name"] not in before]
            states_of_all = Counter(str(ended(self.house, name)["status"]) for name in every)
            intact = bool(client.audit.verify()["intact"])
        lines: Counter[str] = Counter()
        with suppress(FileNotFoundError):
            lines.update((self.ledger / "lines").read_text().splitlines())
        return Report(
            killed=dict(self.killed),
            acknowledged=len(self.acknowledged),
            states=dict(states),
            jobs=sum(states_of_all.values()),
            steps=sum(line.startswith("end ") for line in lines),
            doubled=[line for line, count in lines.items() if count > 1],
            half=sum(line.startswith("begin ") for line in lines) - sum(line.startswith("end ") for line in lines),
            twice_recorded=len(self.house.twice_recorded()),
            intact=intact,
            refused=dict(self.refused),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a campaign found: figures, and what must not be."""

    killed: dict[str, int]
    acknowledged: int
    states: dict[str, int]
    """How the acknowledged jobs ended."""
    jobs: int
    """All jobs, with those whose acknowledgement was lost with the server."""
    steps: int
    doubled: list[str]
    """Lines that stand in the ledger more than once."""
    half: int
    """Steps that began and did not end."""
    twice_recorded: int
    intact: bool
    refused: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Whether each step ran once and is recorded once, and nothing acknowledged is lost."""
        whole = self.states == {"completed": self.acknowledged} and self.steps == 2 * self.jobs
        return whole and not self.doubled and not self.half and not self.twice_recorded and self.intact

    def words(self) -> str:
        """Return the figures, one a line."""
        return "\n".join(f"{name:>15}  {getattr(self, name)}" for name in self.__slots__) + f"\n{self.is_clean = }"
