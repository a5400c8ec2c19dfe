"""Owns the words of the tables of fields: what may become of a field, and rows of fields of one fate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Effect = Literal["honoured", "mapped", "ignored", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What becomes of a field. `reason`: to what it is mapped, why it is not honoured, or how far it is."""

    effect: Effect
    reason: str = ""


Rows = Mapping[str, Use]


def honoured(keys: str, reason: str = "") -> dict[str, Use]:
    """Return rows of fields that do what they say."""
    return dict.fromkeys(keys.split(), Use(effect="honoured", reason=reason))


def mapped(keys: str, reason: str) -> dict[str, Use]:
    """Return rows of fields that mean something else here."""
    return dict.fromkeys(keys.split(), Use(effect="mapped", reason=reason))


def ignored(keys: str, reason: str) -> dict[str, Use]:
    """Return rows of fields that have no effect here."""
    return dict.fromkeys(keys.split(), Use(effect="ignored", reason=reason))


def refused(keys: str, reason: str) -> dict[str, Use]:
    """Return rows of fields with which a document is not run."""
    return dict.fromkeys(keys.split(), Use(effect="refused", reason=reason))


SCHEMA = ignored("$schema", "it names the format for editors; the kind is told by it, never checked against it")
KEPT = "kept with the document; it changes nothing that is run"
ONE_MACHINE = "everything runs on this machine"
