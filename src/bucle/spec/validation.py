"""Owns the whole judgement of a document: every fault, what is still to be given, and what becomes of each field."""

from dataclasses import dataclass

from bucle import errors
from bucle.spec import overrides
from bucle.spec.checking import check
from bucle.spec.consistency import faults_of
from bucle.spec.document import Document
from bucle.spec.faults import Fault, FaultyDocument
from bucle.spec.field_use import FieldUse, uses_of
from bucle.spec.kinds import KINDS, kind_of
from bucle.spec.resolving import Sources, resolve
from bucle.spec.yaml_reader import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBeGiven:
    """A field that the document lacks and `az ml` takes from its command line."""

    field: str
    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is to say of a document; it is right when it has no fault. `kind` is empty when nothing tells it.

    `not_run`: why this platform does not run it (None: it does).
    """

    path: str
    kind: str
    faults: tuple[Fault, ...]
    to_be_given: tuple[ToBeGiven, ...] = ()
    fields: tuple[FieldUse, ...] = ()
    not_run: str | None = None


def validate(
    text: bytes,
    path: str,
    kind: str | None = None,
    *,
    sources: Sources | None = None,
    assignments: tuple[str, ...] = (),
) -> Report:
    """Judge a YAML file of the noun or kind `kind` (None: what the file says it is); a kind not run is judged as well.

    With `sources`, local paths must be there and local files are judged with the document. Raises `BadRequest` for
    an assignment that is none; what is wrong with the file is in the report.
    """
    try:
        document = parse(text, path)
    except FaultyDocument as error:
        return Report(path=path, kind="", faults=error.faults)
    document = overrides.apply(document, assignments)
    if not isinstance(document.tree, dict):
        return Report(path=path, kind="", faults=(document.fault((), "must be a mapping"),))
    try:
        found = kind_of(document, kind)
    except FaultyDocument as error:
        return Report(path=path, kind="", faults=error.faults)
    except errors.BadRequest as error:
        return Report(path=path, kind="", faults=(document.fault((), error.detail),))
    return _judged(document, found, sources)


def _judged(document: Document, kind: str, sources: Sources | None) -> Report:
    unread: list[Fault] = []
    if sources is not None:
        document, unread = resolve(document, kind, sources)
    checked = check(KINDS[kind].model, document)
    faults = [*checked.faults, *unread]
    if checked.value is not None:
        faults.extend(faults_of(checked.value, document))
    given = _to_be_given(document, kind)
    lacking = {row.field for row in given}
    reason = KINDS[kind].not_run or KINDS[kind].no_verb
    return Report(
        path=document.path,
        kind=kind,
        faults=tuple(sorted({fault for fault in faults if fault.field not in lacking})),
        to_be_given=given,
        fields=tuple(uses_of(document, checked.shapes, own=KINDS[kind].own, refused=reason)),
        not_run=reason,
    )


def _to_be_given(document: Document, kind: str) -> tuple[ToBeGiven, ...]:
    """Return the required fields that the document lacks and a flag would give."""
    row = KINDS[kind]
    required = {name for name, field in row.model.model_fields.items() if field.is_required()}
    return tuple(
        ToBeGiven(field=name, flag=flag)
        for name, flag in row.flags.items()
        if name in required and document.child((name,)) is None and name not in _tree(document)
    )


def _tree(document: Document) -> dict[str, object]:
    return document.tree if isinstance(document.tree, dict) else {}
