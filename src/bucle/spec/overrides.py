"""Owns `--set a.b[0]=v`: the path of a field, and a document with another value there."""

import re

from bucle import errors
from bucle.spec.document import Document
from bucle.spec.faults import FieldPath
from bucle.spec.yaml_reader import parse

_STEP = re.compile(r"(?:^|\.)(?P<key>[^.\[\]=]+)|\[(?P<index>\d{1,4})\]")


def apply(document: Document, assignments: tuple[str, ...]) -> Document:
    """Return the document with each `PATH=VALUE` done in order; the value is read as YAML, as in the file.

    Raises `BadRequest("spec.bad_override")` for what is no assignment.
    """
    for text in assignments:
        at, value = _split(text)
        document = document.with_child(at, value)
    return document


def _split(text: str) -> tuple[FieldPath, object]:
    path, sign, value = text.partition("=")
    if not sign:
        raise errors.BadRequest("spec.bad_override", text=text, why="it has no =")
    steps: list[str | int] = []
    end = 0
    for match in _STEP.finditer(path):
        if match.start() != end:
            break
        steps.append(match["key"] if match["index"] is None else int(match["index"]))
        end = match.end()
    if end != len(path) or not steps:
        raise errors.BadRequest("spec.bad_override", text=text, why=f"{path!r} is no field")
    return tuple(steps), parse(value.encode(), "--set").tree if value else ""
