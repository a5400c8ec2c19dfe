"""Owns the whole judgement of a document: every fault, what is still to be given, and what becomes of each field."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from bucle import errors
from bucle.spec import overrides
from bucle.spec.checking import REQUIRED, check
from bucle.spec.consistency import faults_of
from bucle.spec.document import Document
from bucle.spec.faults import Fault, FaultyDocument
from bucle.spec.field_use import FieldUse, uses_of
from bucle.spec.foreign import foreign_kind, is_template
from bucle.spec.kinds import KINDS, kind_of
from bucle.spec.resolving import UNREAD, Sources, resolve
from bucle.spec.yaml_reader import parse

_DATA_OF_JOB = re.compile(r"(^|\.)(inputs\.\w+|training_data|validation_data|test_data)\.path$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBeGiven:
    """A field that the document lacks, or gives in a form refused for a reason, and `az ml` takes from a flag."""

    field: str
    flag: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is to say of a document; it is right when it has no fault. `kind` is empty when nothing tells it.

    `not_run`: why this platform does not run it (None: it does). `foreign`: what a file is that is no document of
    Azure ML, a conda file or a template to be filled in; it has no faults then, and nothing else is told of it.
    """

    path: str
    kind: str
    faults: tuple[Fault, ...]
    to_be_given: tuple[ToBeGiven, ...] = ()
    fields: tuple[FieldUse, ...] = ()
    not_run: str | None = None
    foreign: str | None = None


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
    report = _report(text, path, kind, sources, assignments)
    if report.faults and is_template(text):
        return Report(path=path, kind="", faults=(), foreign="template")
    return report


def _report(text: bytes, path: str, kind: str | None, sources: Sources | None, assignments: tuple[str, ...]) -> Report:
    try:
        document = parse(text, path)
    except FaultyDocument as error:
        return Report(path=path, kind="", faults=error.faults)
    document = overrides.apply(document, assignments)
    if not isinstance(document.tree, dict):
        return Report(path=path, kind="", faults=(document.fault((), "must be a mapping"),))
    foreign = foreign_kind(document.tree) if kind is None else None
    if foreign is not None:
        return Report(path=path, kind="", faults=(), foreign=foreign)
    try:
        return _judged(document, kind_of(document, kind), sources)
    except FaultyDocument as error:
        return Report(path=path, kind="", faults=error.faults)
    except errors.BadRequest as error:
        if kind is None:
            return Report(path=path, kind="", faults=(), foreign="file of no known kind")
        return Report(path=path, kind="", faults=(document.fault((), error.detail),))


def _judged(document: Document, kind: str, sources: Sources | None) -> Report:
    row = KINDS[kind]
    unread: list[Fault] = []
    if sources is not None:
        document, unread = resolve(document, kind, sources)
    checked = check(row.model, document)
    given = tuple(_to_be_given((*checked.faults, *unread), kind))
    lacking = {one.field for one in given}
    faults = [fault for fault in (*checked.faults, *unread) if fault.field not in lacking]
    if all(fault.field in lacking for fault in checked.faults):
        faults.extend(_inconsistent(document, row.model, lacking))
    reason = row.not_run or row.no_verb
    return Report(
        path=document.path,
        kind=kind,
        faults=tuple(sorted(set(faults))),
        to_be_given=given,
        fields=tuple(uses_of(document, checked.shapes, own=row.own, refused=reason)),
        not_run=reason,
    )


def _inconsistent(document: Document, model: type[BaseModel], lacking: Iterable[str]) -> list[Fault]:
    """Return the faults of a document whose fields are right each by itself; flags give those that it lacks."""
    whole = document
    for name in lacking:
        whole = whole.with_child(tuple(name.split(".")), "given")
    value = check(model, whole).value
    return [] if value is None else faults_of(value, document)


def _to_be_given(faults: Iterable[Fault], kind: str) -> Iterator[ToBeGiven]:
    """Yield the fields at fault that a flag gives: what it says comes in place of what the document says.

    Azure reads a job whose data are not there yet; `--set` names them, or they are made before the job is.
    """
    for fault in faults:
        flag = KINDS[kind].flags.get(fault.field)
        if flag is None and _DATA_OF_JOB.search(fault.field) and (fault.message == REQUIRED or UNREAD in fault.message):
            flag = "--set"
        if flag is not None:
            reason = "" if fault.message == REQUIRED else fault.message
            yield ToBeGiven(field=fault.field, flag=flag, reason=reason)
