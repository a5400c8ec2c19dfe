"""The one catalogue of messages: code → sentence and hint. A translation replaces this mapping, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from bucle.errors import texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """`detail`: what happened, one sentence; `hint`: the next command or edit, or empty. Both are format strings."""

    detail: str
    hint: str = ""


def read_catalogue() -> Mapping[str, Text]:
    """Return every text of `bucle.errors.texts`: one module a topic, a `TEXTS` mapping of (detail, hint) in each."""
    found: dict[str, Text] = {}
    for module in iter_modules(texts.__path__):
        pairs: Mapping[str, tuple[str, str]] = import_module(f"{texts.__name__}.{module.name}").TEXTS
        found.update({code: Text(detail=detail, hint=hint) for code, (detail, hint) in pairs.items()})
    return found


CATALOGUE: Mapping[str, Text] = read_catalogue()


def text_of(code: str) -> Text:
    """Return the text of `code`; a code without one is a fault of ours and raises KeyError."""
    return CATALOGUE[code]
