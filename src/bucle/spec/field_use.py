"""Owns what becomes of each field: honoured, mapped, ignored for a reason, or refused for one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bucle.spec.document import Document
from bucle.spec.section import Shapes

Effect = Literal["honoured", "mapped", "ignored", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FieldUse:
    """What becomes of the field at `path:line:column`; `reason`: to what it is mapped, or why it is not honoured."""

    path: str
    line: int
    column: int
    field: str
    effect: Effect
    reason: str = ""


def uses_of(document: Document, kind: str, shapes: Shapes) -> Iterator[FieldUse]:
    """Yield what becomes of each field that the document gives, in its order."""
    yield from ()
