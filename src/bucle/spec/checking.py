"""Owns the check of a document against a model: every fault at once, each at its place."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bucle.spec.document import Document
from bucle.spec.faults import Fault, FaultyDocument, FieldPath, nearest
from bucle.spec.scalars import Null
from bucle.spec.section import Shapes, keys_of

REQUIRED = "is required"
_WORDS = {
    "string_type": "must be text",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[ModelT]):
    """A document held against a model: its value (None when it has faults), and which model read each mapping."""

    value: ModelT | None
    faults: tuple[Fault, ...]
    shapes: Shapes


def check(model: type[ModelT], document: Document) -> Checked[ModelT]:
    """Return the typed value of a document, or every fault."""
    shapes: Shapes = {}
    try:
        value = model.model_validate(document.tree, context={"shapes": shapes})
    except ValidationError as error:
        found = tuple(_fault_of(details, document, shapes) for details in error.errors(include_url=False))
        return Checked(value=None, faults=found, shapes=shapes)
    return Checked(value=value, faults=(), shapes=shapes)


def read(model: type[ModelT], document: Document) -> ModelT:
    """Return the typed value of a document; raise `FaultyDocument` with every fault."""
    checked = check(model, document)
    if checked.value is None:
        raise FaultyDocument(document.path, checked.faults)
    return checked.value


def _fault_of(details: ErrorDetails, document: Document, shapes: Shapes) -> Fault:
    at = _path_of(details["loc"], document.tree)
    if details["type"] == "extra_forbidden":
        model = shapes.get(id(document.child(at[:-1])))
        hint = nearest(str(at[-1]), keys_of(model) - {"$schema"}) if model else ""
        return document.fault(at, f"unknown key{hint}", at_key=True)
    if details["type"] == "missing":
        return document.fault(at, REQUIRED, at_key=True)
    return document.fault(at, _words(details), at_key="[key]" in details["loc"])


def _path_of(location: tuple[str | int, ...], tree: object) -> FieldPath:
    """Drop what is not a field: the tag of a union's member, the mark of a key; a field of such a name stays."""
    path: list[str | int] = []
    for number, step in enumerate(location, start=1):
        there = isinstance(tree, dict) and step in tree
        is_mark = isinstance(step, str) and (step.startswith(("<", "[")) or number < len(location))
        if there or not is_mark:
            path.append(step)
            tree = _below(tree, step)
    return tuple(path)


def _below(tree: object, step: str | int) -> object:
    if isinstance(tree, dict):
        return tree.get(step)
    return tree[step] if isinstance(tree, list) and isinstance(step, int) and step < len(tree) else None


def _words(details: ErrorDetails) -> str:
    if isinstance(details["input"], Null):
        return "has no value; give it one, or leave it out"
    kind, context = details["type"], details.get("ctx", {})
    if kind == "literal_error":
        return f"must be {context['expected']}{_nearest_literal(details)}"
    if kind == "string_pattern_mismatch":
        return f"{details['input']!r} does not match {context['pattern']}"
    message = details["msg"]
    return _WORDS.get(kind, message[:1].lower() + message[1:])


def _nearest_literal(details: ErrorDetails) -> str:
    """Return the nearest of a closed choice's words, when one is near."""
    words = [
        word.strip("' ") for word in str(details.get("ctx", {}).get("expected", "")).replace(" or ", ",").split(",")
    ]
    hint = nearest(str(details["input"]), words)
    return hint if hint.startswith(" (nearest") else ""
