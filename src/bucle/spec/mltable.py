"""Owns the MLTable file: which files make a table, and how they are read."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from bucle.spec.scalars import Anything, Text
from bucle.spec.section import ByForm, File, Section


class FilePath(Section):
    """One file."""

    file: Text


class FolderPath(Section):
    """One folder."""

    folder: Text


class PatternPath(Section):
    """The files that a pattern matches."""

    pattern: Text


def form_of_path(value: object) -> str:
    """Return which kind of place a path is, by its key."""
    for key in ("folder", "pattern"):
        if (isinstance(value, dict) and key in value) or hasattr(value, key):
            return f"<{key}>"
    return "<file>"


TablePath = Annotated[
    Annotated[FilePath, Tag("<file>")]
    | Annotated[FolderPath, Tag("<folder>")]
    | Annotated[PatternPath, Tag("<pattern>")],
    Discriminator(form_of_path),
]
Step = Annotated[Annotated[Text, Tag("<single>")] | Annotated[dict[str, Anything], Tag("<mapping>")], ByForm]
"""A transformation: its name, or its name with its arguments."""


class MLTable(File):
    """A table of files, which a data asset of the type `mltable` points at."""

    type: Literal["mltable"] | None = None
    paths: Annotated[list[TablePath], Field(min_length=1)]
    transformations: list[Step] | None = None
    metadata: Anything = None
    traits: Anything = None
