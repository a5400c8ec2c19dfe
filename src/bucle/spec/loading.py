"""Owns the one way from a file or a request body to a typed value."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from bucle import errors
from bucle.spec import overrides
from bucle.spec.checking import read
from bucle.spec.consistency import faults_of
from bucle.spec.document import Document, from_values
from bucle.spec.faults import Fault, FaultyDocument
from bucle.spec.kinds import KINDS, kind_of, require_run
from bucle.spec.resolving import Sources, refuse_local_paths, resolve
from bucle.spec.section import Section, parts_of
from bucle.spec.yaml_reader import parse

Positions = Mapping[str, tuple[str, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A document right in itself: its kind, its plain values (the body of a create), source map and model."""

    kind: str
    document: dict[str, object]
    positions: Positions
    value: BaseModel


def load(
    text: bytes,
    path: str,
    kind: str | None = None,
    *,
    sources: Sources | None = None,
    assignments: tuple[str, ...] = (),
) -> Loaded:
    """Return the value of a YAML file of the noun or kind `kind` (None: what the file says it is).

    With `sources`, local paths are resolved; without, they stay as written. `assignments`: those of `--set`.
    Raises `FaultyDocument` with every fault, `BadRequest` for a kind that is unknown or not run.
    """
    document = overrides.apply(parse(text, path), assignments)
    if not isinstance(document.tree, dict):
        raise FaultyDocument(path, [document.fault((), "must be a mapping")])
    found = kind_of(document, kind)
    require_run(found, document.path)
    unread: list[Fault] = []
    if sources is not None:
        document, unread = resolve(document, found, sources)
    return _loaded(document, found, unread)


def load_body(body: object, kind: str, positions: Positions | None = None) -> Loaded:
    """Return the value of a request body, in which no path of the caller's machine may stand.

    Raises as `load`, and `BadRequest("spec.local_path")`.
    """
    document = from_values(body, "body", positions)
    if not isinstance(body, dict):
        raise FaultyDocument("body", [document.fault((), "must be a mapping")])
    found = kind_of(document, kind)
    require_run(found, document.path)
    loaded = _loaded(document, found, [])
    refuse_local_paths(document, found)
    return loaded


def _loaded(document: Document, kind: str, unread: list[Fault]) -> Loaded:
    try:
        value = read(KINDS[kind].model, document)
        faults = faults_of(value, document)
    except FaultyDocument as error:
        raise FaultyDocument(document.path, (*error.faults, *unread)) from error
    if faults or unread:
        raise FaultyDocument(document.path, (*faults, *unread))
    _refuse_parts_not_run(value, document.path)
    plain = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return Loaded(kind=kind, document=plain, positions=document.positions(), value=value)


def _refuse_parts_not_run(value: object, path: str) -> None:
    """Refuse a document that is run, with a part in it that is not: a node, a signal."""
    for part in parts_of(value):
        if isinstance(part, Section) and part.not_run is not None:
            raise errors.BadRequest(
                "spec.kind_not_run", path=path, kind=getattr(part, "type", type(part).__name__), reason=part.not_run
            )
