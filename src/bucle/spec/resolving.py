"""Owns the client's walk: each local path becomes a digest, each local file its content."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from bucle import errors
from bucle.spec import references
from bucle.spec.document import Document
from bucle.spec.faults import Fault, FaultyDocument, FieldPath, name_of
from bucle.spec.yaml_reader import parse

MAX_FILES_DEEP = 16
UNREAD = "cannot be read"
# Where jobs that train by themselves name their data, and the model they begin with.
_TABLES_OF_JOBS = ("training_data", "validation_data", "test_data", "model", "student_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A file or a folder of the caller's machine, by its digest."""

    digest: str
    kind: Literal["file", "folder"]


class Sources(Protocol):
    """The caller's machine, as far as a document may reach it. Both raise OSError for what cannot be read."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        ...

    def snapshot(self, path: str) -> Snapshot:
        """Return the digest of a file or a folder, and remember it for upload."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalReference:
    """A text that names a path of the caller's machine: bytes to upload, or a file to put in its place."""

    at: FieldPath
    text: str
    role: Literal["upload", "inline"]

    @property
    def path(self) -> str:
        """Return the path without `file:`."""
        return self.text.removeprefix("file:")


def resolve(document: Document, kind: str, sources: Sources) -> tuple[Document, list[Fault]]:
    """Return the document with each local path as `{digest, origin, kind}` and each local file inlined.

    Paths are relative to the file that names them. A path that cannot be read stays, and is a fault.
    """
    faults: list[Fault] = []
    return _resolve(document, kind, sources, faults, depth=0), faults


def refuse_local_paths(document: Document, kind: str) -> None:
    """Raise `BadRequest("spec.local_path")` if the document still names a path of the caller's machine."""
    for found in local_references(document.tree, kind):
        raise errors.BadRequest("spec.local_path", field=name_of(found.at), text=found.text)


def local_references(tree: object, kind: str) -> Iterator[LocalReference]:
    """Yield each local path of a document, in the order of its fields; a wrong shape is passed over."""
    if not isinstance(tree, dict):
        return
    match kind:
        case "data" | "model":
            yield from _text(tree, (), "path", "upload")
        case "environment":
            yield from _of_environment(tree, ())
        case "online_deployment":
            yield from _of_deployment(tree)
        case "schedule":
            yield from _of_schedule(tree)
        case _ if kind.endswith(("_job", "_component")):
            yield from _of_job(tree, ())
        case _:
            return


def _resolve(document: Document, kind: str, sources: Sources, faults: list[Fault], depth: int) -> Document:
    base = posixpath.dirname(document.path)
    for found in list(local_references(document.tree, kind)):
        path = posixpath.normpath(posixpath.join(base, found.path))
        try:
            if found.role == "upload":
                taken = sources.snapshot(path)
                value = {"digest": taken.digest, "origin": found.text, "kind": taken.kind}
                document = document.with_child(found.at, value)
            elif depth >= MAX_FILES_DEEP:
                faults.append(document.fault(found.at, f"files name files more than {MAX_FILES_DEEP} deep"))
            else:
                inner = parse(sources.read(path), path)
                inner = _resolve(inner, _kind_inlined(found.at, inner.tree), sources, faults, depth + 1)
                document = document.with_document(found.at, inner)
        except FaultyDocument as error:
            faults.extend(error.faults)
        except OSError as error:
            faults.append(document.fault(found.at, f"{path} {UNREAD} ({error.strerror or 'no such file'})"))
    return document


def _kind_inlined(at: FieldPath, tree: object) -> str:
    """Return what a file is by the field that names it."""
    kind = tree.get("type") if isinstance(tree, dict) else None
    match at[-1]:
        case "conda_file":
            return "conda"
        case "environment":
            return "environment"
        case "component" | "trial":
            return "pipeline_component" if kind == "pipeline" else "command_component"
        case "model":
            return "model"
        case _:
            return "pipeline_job" if kind == "pipeline" else "command_job"


def _text(
    tree: dict[str, object], at: FieldPath, key: str, role: Literal["upload", "inline"]
) -> Iterator[LocalReference]:
    text = tree.get(key)
    if isinstance(text, str) and text and references.is_local(text):
        yield LocalReference(at=(*at, key), text=text, role=role)


def _of_job(tree: dict[str, object], at: FieldPath) -> Iterator[LocalReference]:
    yield from _text(tree, at, "code", "upload")
    yield from _of_environment_field(tree, at)
    yield from _of_includes(tree, at)
    for name, item in _mapping(tree.get("inputs")).items():
        if isinstance(item, dict):
            yield from _text(item, (*at, "inputs", name), "path", "upload")
    for key in _TABLES_OF_JOBS:
        yield from _text(_mapping(tree.get(key)), (*at, key), "path", "upload")
    for key in ("component", "trial"):
        yield from _text(tree, at, key, "inline")
    for key in ("component", "trial", "task"):
        if isinstance(tree.get(key), dict):
            yield from _of_job(_mapping(tree[key]), (*at, key))
    for name, node in _mapping(tree.get("jobs")).items():
        if isinstance(node, dict):
            yield from _of_job(node, (*at, "jobs", name))


def _of_includes(tree: dict[str, object], at: FieldPath) -> Iterator[LocalReference]:
    includes = tree.get("additional_includes")
    for index, item in enumerate(includes if isinstance(includes, list) else []):
        if isinstance(item, str) and references.is_local(item):
            yield LocalReference(at=(*at, "additional_includes", index), text=item, role="upload")


def _of_environment_field(tree: dict[str, object], at: FieldPath) -> Iterator[LocalReference]:
    yield from _text(tree, at, "environment", "inline")
    yield from _of_environment(_mapping(tree.get("environment")), (*at, "environment"))


def _of_environment(tree: dict[str, object], at: FieldPath) -> Iterator[LocalReference]:
    yield from _text(tree, at, "conda_file", "inline")
    yield from _text(_mapping(tree.get("build")), (*at, "build"), "path", "upload")


def _of_deployment(tree: dict[str, object]) -> Iterator[LocalReference]:
    yield from _text(tree, (), "model", "inline")
    yield from _text(_mapping(tree.get("model")), ("model",), "path", "upload")
    yield from _text(_mapping(tree.get("code_configuration")), ("code_configuration",), "code", "upload")
    yield from _of_environment_field(tree, ())


def _of_schedule(tree: dict[str, object]) -> Iterator[LocalReference]:
    yield from _text(tree, (), "create_job", "inline")
    job = _mapping(tree.get("create_job"))
    yield from _text(job, ("create_job",), "job", "inline")
    yield from _of_job(job, ("create_job",))
    yield from _of_job(_mapping(job.get("job")), ("create_job", "job"))


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
