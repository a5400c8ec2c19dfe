"""Owns what becomes of each field of a document: honoured, mapped, ignored for a reason, or refused for one."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel

from bucle.spec.asset_effects import ASSETS
from bucle.spec.document import Document
from bucle.spec.faults import FieldPath, name_of
from bucle.spec.field_effect import Effect, Use
from bucle.spec.job_effects import JOBS
from bucle.spec.section import Section, Shapes, keys_of

TABLE = {**JOBS, **ASSETS}
HONOURED = Use(effect="honoured")
UNKNOWN = Use(effect="ignored", reason="the format allows any key here, and gives this one no meaning")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FieldUse:
    """What becomes of the field at `path:line:column`; `reason`: to what it is mapped, or why it is not honoured."""

    path: str
    line: int
    column: int
    field: str
    effect: Effect
    reason: str = ""


def uses_of(document: Document, shapes: Shapes, *, own: bool, refused: str | None) -> Iterator[FieldUse]:
    """Yield what becomes of each field that the document gives, in its order.

    `own`: all fields of this platform's own kinds are honoured; `refused`: why nothing of the document is. What is
    below a field that is ignored or refused is not told one by one.
    """
    whole = Use(effect="refused", reason=refused) if refused else HONOURED if own else None
    yield from _Walk(document=document, shapes=shapes, whole=whole).below(document.tree, ())


def use_of(model: type[BaseModel], key: str) -> Use | None:
    """Return what becomes of one field of a model; None when the table does not know it."""
    if issubclass(model, Section) and model.not_run is not None:
        return Use(effect="refused", reason=model.not_run)
    for base in model.__mro__:
        found = TABLE.get(base, {}).get(key)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    document: Document
    shapes: Shapes = field(default_factory=dict)
    whole: Use | None = None

    def below(self, value: object, at: FieldPath) -> Iterator[FieldUse]:
        """Yield what becomes of the fields below one of them."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.below(item, (*at, index))
        elif isinstance(value, dict):
            model = self.shapes.get(id(value))
            for key, item in value.items():
                yield from self.below(item, (*at, key)) if model is None else self.field(model, key, item, (*at, key))

    def field(self, model: type[BaseModel], key: str, value: object, at: FieldPath) -> Iterator[FieldUse]:
        """Yield what becomes of a field, and of those below it when it counts."""
        if key not in keys_of(model):
            # In a closed mapping an unknown key is a fault, and told there.
            use = UNKNOWN if model.model_config.get("extra") == "allow" else None
        else:
            use = self.whole or use_of(model, key)
        if use is not None:
            place = self.document.place_of(at)
            yield FieldUse(
                path=place.path,
                line=place.key_line,
                column=place.key_column,
                field=name_of(at),
                effect=use.effect,
                reason=use.reason,
            )
        if use is None or use.effect in {"honoured", "mapped"}:
            yield from self.below(value, at)
