"""A campaign: clients work while one fault after another happens; then what they were told is held against what is."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Finding, check
from tests.faults.history import History, Told
from tests.faults.house import EVENLY, House, await_true
from tests.faults.kinds import Fault, kinds
from tests.faults.load import (
    ENDPOINT,
    Person,
    data,
    jobs,
    keep_asking,
    keep_scoring,
    measurements,
    principals,
    traffic,
    words,
)
from tests.faults.observer import left_running, logged_faults, observe, rest
from tests.serving.conftest import Models

REST_EVERY = 50
"""Rounds between two looks at whether all jobs end and nothing is left running."""
MOST_PROMOTIONS = 40


@dataclass(slots=True, kw_only=True)
class Row:
    """One line of the table: how often a fault came, how often it met somebody, in which rounds something was found."""

    tries: int = 0
    met: int = 0
    unknown: int = 0
    found: Counter[str] = field(default_factory=Counter)
    rounds: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a campaign."""

    seed: int
    rows: Mapping[str, Row]
    findings: Sequence[Finding]
    surprises: Mapping[str, int]
    outcomes: Mapping[str, int]
    scored: Mapping[str, int]
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings and not self.surprises

    def words(self) -> str:
        """Return everything that came of it: findings, surprises, the table, what was asked and answered."""
        lines = [f"{one.sort}: {one.what} (asked in round {one.fault})" for one in self.findings]
        lines += [f"surprise, {times} times: {surprise}" for surprise, times in self.surprises.items()]
        acts = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        lines += [self.table(), f"acts: {acts}", f"answers of the endpoint: {dict(self.scored)}"]
        return "\n".join([*lines, f"seed {self.seed}, {self.seconds:.0f} s"])

    def table(self) -> str:
        """Return the table, a line a fault, and their sum."""
        whole = Row(
            tries=sum(row.tries for row in self.rows.values()),
            met=sum(row.met for row in self.rows.values()),
            unknown=sum(row.unknown for row in self.rows.values()),
            found=Counter(one.sort for one in self.findings),
        )
        head = "| fault | tries | met | seeds | lost | doubled | left running | broken | unknown to the client |"
        rows = [*self.rows.items(), ("all", whole)]
        return "\n".join([head, "|---" * 9 + "|", *(self._line(name, row) for name, row in rows if row.tries)])

    def _line(self, name: str, row: Row) -> str:
        seeds = ", ".join(sorted(row.rounds)) or self.seed
        counts = [row.found[sort] for sort in ("lost", "doubled", "left running", "broken")]
        return f"| {' | '.join(map(str, (name, row.tries, row.met, seeds, *counts, row.unknown)))} |"


@dataclass(slots=True, kw_only=True)
class Campaign:
    """Clients, faults and a house, all in `folder`; it lies in the memory that jobs share, as the ledger must."""

    folder: Path
    seed: int
    models: Models | None
    say: Callable[[str], None] = lambda _line: None
    _stop: threading.Event = field(default_factory=threading.Event)
    _surprises: Counter[str] = field(default_factory=Counter)
    _scored: Counter[str] = field(default_factory=Counter)

    def run(self, count: int) -> Report:
        """Make `count` faults; return what was found."""
        began = time.monotonic()
        serving = self.models is not None
        house, history = House(folder=self.folder), History(self.folder / "history.jsonl")
        known = kinds(serving=serving)
        rows = {name: Row() for name in known}
        try:
            promotions = house.furnish(self.models, min(count, MOST_PROMOTIONS))
            house.start()
            house.warm(serving=serving)
            if serving:
                history.tell(history.invoke("traffic", ENDPOINT, EVENLY), "ok")
            threads = self._begin(house, history, promotions)
            self._rounds(house, history, known, rows, count)
            self._stop.set()
            for thread in threads:
                thread.join()
            wrong = rest(house, serving=serving)
            standing = observe(house, history, self.folder / "lines", serving=serving)
        finally:
            self._stop.set()
            house.close()
        self._surprises.update(logged_faults(house))
        told = history.since(0)
        history.close()
        found = [*check(told, standing), *(Finding(sort="broken", fault=history.round, what=one) for one in wrong)]
        found += [Finding(sort="left running", fault=history.round, what=one) for one in left_running(house.home)]
        found += [Finding(sort="broken", fault=history.round, what=one) for one in self._scored if "wrong" in one]
        return self._report(rows, found, told, time.monotonic() - began)

    def _begin(self, house: House, history: History, promotions: Sequence[str]) -> list[threading.Thread]:
        clients: list[tuple[str, Callable[[Person], None], float]] = [
            ("data", data, 0.15),
            ("jobs", jobs(str(self.folder / "lines")), 0.3),
            ("runs", measurements, 0.3),
            ("principals", principals, 0.4),
        ]
        token = house.installation.token
        if self.models is not None:
            clients.append(("traffic", traffic, 0.4))
        acting = [(self._person(house, history, name, token), act, pace_s) for name, act, pace_s in clients]
        if promotions:
            acting.append((self._person(house, history, "words", house.approver()), words(promotions), 0.1))
        threads = [threading.Thread(target=keep_asking, args=one) for one in acting]
        if self.models is not None:
            key = house.scoring_key()
            threads.append(threading.Thread(target=keep_scoring, args=(house.scoring, key, self._stop, self._scored)))
        for thread in threads:
            thread.start()
        return threads

    def _person(self, house: House, history: History, name: str, token: str) -> Person:
        return Person(
            address=f"http://127.0.0.1:{house.port}",
            token=token,
            history=history,
            chance=random.Random(f"{self.seed} {name}"),
            stop=self._stop,
            surprises=self._surprises,
        )

    def _rounds(
        self, house: House, history: History, known: Mapping[str, Fault], rows: Mapping[str, Row], count: int
    ) -> None:
        order = random.Random(f"{self.seed} order")
        left: list[str] = []
        for number in range(count):
            if not left:
                left = order.sample([*known], len(known))
            name = left.pop()
            history.round = f"{self.seed}/{number} {name}"
            rows[name].tries += 1
            rows[name].met += known[name](house, random.Random(f"{self.seed} {number}"))
            if number % REST_EVERY == REST_EVERY - 1:
                self.say(f"{number + 1} faults, {len(history.since(0))} acts, last {history.round}")
                await_true(house.answers, "the server answers")

    def _report(
        self, rows: Mapping[str, Row], found: Sequence[Finding], told: Sequence[Told], seconds: float
    ) -> Report:
        for one in found:
            number, _, name = one.fault.partition(" ")
            if name in rows:
                rows[name].found[one.sort] += 1
                rows[name].rounds.add(number)
        for each in told:
            name = each.act.fault.partition(" ")[2]
            if each.outcome == "unknown" and name in rows:
                rows[name].unknown += 1
        outcomes = Counter(f"{one.act.kind} {one.outcome}" for one in told)
        return Report(
            seed=self.seed,
            rows=rows,
            findings=found,
            surprises=self._surprises,
            outcomes=outcomes,
            scored=self._scored,
            seconds=seconds,
        )
