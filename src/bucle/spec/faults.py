"""Owns the fault: one thing wrong in a document, with its place, and the error that carries all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from bucle import errors

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """What is wrong at `path:line:column` (from 1) with `field`: `jobs.train.inputs[0]`, "" for all."""

    path: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return the line that people read."""
        where = f"{self.path}:{self.line}:{self.column}"
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class FaultyDocument(errors.BadRequest):
    """A document with one or more faults, sorted by place."""

    def __init__(self, path: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        number = "1 place" if len(self.faults) == 1 else f"{len(self.faults)} places"
        lines = "\n".join(str(fault) for fault in self.faults)
        super().__init__("spec.faults", path=path, number=number, lines=lines)


def name_of(at: FieldPath) -> str:
    """Return a field path as people write it: `jobs.train.values[0]`."""
    text = ""
    for step in at:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return ` (nearest valid name: …)`, or the valid names when none is near."""
    names = sorted(valid)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f" (nearest valid name: {close[0]})"
    return f" (valid names: {', '.join(names)})" if names else ""
