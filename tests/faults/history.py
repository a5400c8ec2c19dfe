"""The history: what clients asked, under which fault, and what they were told: ok, failed, or nothing to rely on."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

Outcome = Literal["ok", "failed", "unknown"]
Kind = Literal["data", "job", "measurement", "principal", "traffic", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a client asked for; its number grows from act to act of all clients.

    `wanted` is what must stand when it was done: a digest, a value, shares of traffic. `fault` is the round in which
    it was asked: its number and the fault that came in it.
    """

    number: int
    kind: Kind
    subject: str
    wanted: Mapping[str, Any]
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An act and what its client knows of it in the end."""

    act: Act
    outcome: Outcome


class History:
    """Acts and outcomes of clients in several threads; each line is written down at once, for whoever looks later."""

    def __init__(self, file: Path) -> None:
        self.round = "before the first"
        self._lock = threading.Lock()
        self._acts: list[Act] = []
        self._outcomes: dict[int, Outcome] = {}
        self._file: TextIO = file.open("a", encoding="utf-8")

    def invoke(self, kind: Kind, subject: str, wanted: Mapping[str, Any]) -> Act:
        """Write down that something is about to be asked."""
        with self._lock:
            act = Act(number=len(self._acts) + 1, kind=kind, subject=subject, wanted=wanted, fault=self.round)
            self._acts.append(act)
            self._write({"invoke": asdict(act)})
            return act

    def tell(self, act: Act, outcome: Outcome) -> None:
        """Write down what the client was told; the last word counts."""
        with self._lock:
            self._outcomes[act.number] = outcome
            self._write({"number": act.number, "told": outcome})

    def since(self, number: int) -> Sequence[Told]:
        """Return what was asked after the act of this number; what got no answer is unknown."""
        with self._lock:
            return [Told(act=act, outcome=self._outcomes.get(act.number, "unknown")) for act in self._acts[number:]]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
