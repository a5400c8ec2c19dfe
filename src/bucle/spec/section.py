"""Owns the ground shape of every model: which keys it takes, and which form of a field a value has."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo, model_validator

from bucle.spec.scalars import NULL, Anything, Scalar, Text

Shapes = dict[int, type[BaseModel]]
"""The model that read each mapping, by the mapping's id: it names the valid keys when one is unknown."""


class Section(BaseModel):
    """A mapping whose keys are all known. `not_run`: why a document with it is read and not run."""

    not_run: ClassVar[str | None] = None

    # A model is built when the first document needs it: building all of them takes longer than most commands.
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=False, protected_namespaces=(), defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def remember(cls, data: Any, info: ValidationInfo) -> Any:
        """Note which model reads this mapping, and mark its nulls: a field is given a value or left out."""
        if not isinstance(data, dict):
            return data
        if info.context is not None:
            info.context["shapes"][id(data)] = cls
        given = keys_of(cls) - {"$schema"}
        return {key: NULL if value is None and key in given else value for key, value in data.items()}


def keys_of(model: type[BaseModel]) -> set[str]:
    """Return the keys that a mapping of this model may hold, as written in a file."""
    return {field.alias or name for name, field in model.model_fields.items()}


def parts_of(value: object) -> Iterator[BaseModel]:
    """Yield every mapping that a model read, outermost first."""
    if isinstance(value, BaseModel):
        yield value
        for name in value.model_fields_set:
            yield from parts_of(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from parts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts_of(item)


class OpenSection(Section):
    """A mapping that Azure accepts with keys of any name; unknown ones are kept and have no effect."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Anything]


class File(Section):
    """What every Azure document may begin with: `$schema`, which Azure never checks and neither do we."""

    schema_uri: Anything = Field(default=None, alias="$schema")


class OpenFile(OpenSection):
    """As `File`, for the kinds in which Azure tolerates unknown keys."""

    schema_uri: Anything = Field(default=None, alias="$schema")


def form_of(value: object) -> str | None:
    """Return the tag of a value's form; angle brackets keep tags apart from keys in the path of an error."""
    match value:
        case str() | Scalar() | bool() | int() | float():
            return "<single>"
        case dict() | BaseModel():
            return "<mapping>"
        case list() | tuple():
            return "<list>"
        case _:
            return None


ByForm = Discriminator(form_of, custom_error_type="form", custom_error_message="has the wrong form for this field")


def form_of_bound(value: object) -> str:
    """Return whether a value is an expression that another value will replace."""
    return "<expression>" if isinstance(value, str) and value.lstrip().startswith("${{") else "<value>"


def type_of(value: object) -> str | None:
    """Return the `type` of a mapping as the tag of its model, in lower case; None when it says none."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind.lower()}>" if isinstance(kind, str) else None


def task_of(value: object) -> str | None:
    """Return the `task` of a mapping as the tag of its model, in lower case; None when it says none."""
    task = value.get("task") if isinstance(value, dict) else getattr(value, "task", None)
    return f"<{task.lower()}>" if isinstance(task, str) else None


ValueT = TypeVar("ValueT")
OrExpression = Annotated[
    Annotated[ValueT, Tag("<value>")] | Annotated[str, Tag("<expression>")], Discriminator(form_of_bound)
]
"""A value, or `${{…}}` that stands for one; within pipelines."""
ByType = Discriminator(
    type_of, custom_error_type="type", custom_error_message="must be a mapping with a type that is known here"
)


class Uploaded(Section):
    """What the client makes of a local path: the digest of its bytes, and the path as the author wrote it."""

    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    origin: str
    kind: Literal["file", "folder"]


PathOrUploaded = Annotated[Annotated[Text, Tag("<single>")] | Annotated[Uploaded, Tag("<mapping>")], ByForm]
"""A path or URI, or the upload that a client has made of it."""
