"""Owns the document: values with the line and column of each, however they came (YAML, JSON, `--set`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bucle.spec.faults import Fault, FieldPath, name_of
from bucle.spec.scalars import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field stands: its key, and its value (lines and columns from 1)."""

    path: str
    key_line: int
    key_column: int
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A tree of dicts, lists, text and `Scalar`s, and the places of its fields.

    A number or truth value from YAML is a `Scalar`: its value and the text the author wrote, so that a text
    field reads `1.10` and not 1.1. A JSON document has plain values and no places.
    """

    path: str
    tree: object
    places: Mapping[FieldPath, Place] = field(default_factory=dict)

    @property
    def values(self) -> object:
        """Return the tree as plain values."""
        return plain(self.tree)

    def place_of(self, at: FieldPath) -> Place:
        """Return the place of a field, or of the nearest one above it that has one."""
        for length in range(len(at), -1, -1):
            found = self.places.get(at[:length])
            if found is not None:
                return found
        return Place(path=self.path, key_line=1, key_column=1, line=1, column=1)

    def fault(self, at: FieldPath, message: str, *, at_key: bool = False) -> Fault:
        """Return a fault of the field `at`, placed at its value or at its key."""
        place = self.place_of(at)
        by_key = at_key or at not in self.places
        line, column = (place.key_line, place.key_column) if by_key else (place.line, place.column)
        return Fault(path=place.path, line=line, column=column, field=name_of(at), message=message)

    def child(self, at: FieldPath) -> object:
        """Return the value at `at`; None when there is none."""
        value = self.tree
        for step in at:
            try:
                value = value[step]  # type: ignore[index]  # whatever is no mapping or list answers TypeError
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def with_child(self, at: FieldPath, value: object) -> "Document":
        """Return the document with `value` at `at`, every mapping on the way copied."""
        return replace(self, tree=_put(self.tree, at, value))

    def with_document(self, at: FieldPath, other: "Document") -> "Document":
        """Return the document with another one inlined at `at`, whose fields keep their own places."""
        inner = {at + inside: place for inside, place in other.places.items() if inside}
        outer = {where: place for where, place in self.places.items() if where[: len(at)] != at or where == at}
        return replace(self, tree=_put(self.tree, at, other.tree), places={**outer, **inner})

    def positions(self) -> dict[str, tuple[str, int, int]]:
        """Return the source map as JSON sends it: field → (file, line, column)."""
        return {name_of(at): (place.path, place.line, place.column) for at, place in self.places.items()}


def from_values(values: object, path: str, positions: Mapping[str, tuple[str, int, int]] | None = None) -> Document:
    """Return the document of a JSON body; `positions` is the source map its client sent, if it sent one."""
    known = positions or {}
    places: dict[FieldPath, Place] = {}
    for at in _fields(values, ()):
        found = known.get(name_of(at))
        if found is not None:
            file, line, column = found
            places[at] = Place(path=file, key_line=line, key_column=column, line=line, column=column)
    return Document(path=path, tree=values, places=places)


def _fields(value: object, at: FieldPath) -> Iterator[FieldPath]:
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _fields(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fields(item, (*at, index))


def _put(tree: object, at: FieldPath, value: object) -> object:
    if not at:
        return value
    head, rest = at[0], at[1:]
    if isinstance(head, int):
        items = list(tree) if isinstance(tree, list) else []
        items[head : head + 1] = [_put(items[head] if head < len(items) else None, rest, value)]
        return items
    mapping = dict(tree) if isinstance(tree, dict) else {}
    mapping[head] = _put(mapping.get(head), rest, value)
    return mapping
