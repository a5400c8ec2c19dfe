"""Owns the single values of a document: what the author wrote, and the field types that read it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A number or a truth value, and the text it was written as."""

    value: bool | int | float
    text: str


@dataclass(frozen=True, slots=True)
class Null:
    """A null that the author wrote where a field takes none."""


NULL = Null()


def plain(value: object) -> object:
    """Return a tree without its `Scalar`s: numbers and truth values in their place."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def as_text(value: object) -> object:
    """Return a single value as it was written; another kind of value as it is."""
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value


def _only_text(value: object) -> object:
    if isinstance(value, Scalar):
        raise PydanticCustomError("quoted", "must be text: write '{text}'", {"text": value.text})
    return value


def _as_tag_written(value: object) -> object:
    return "" if value is None or isinstance(value, Null) else as_text(value)


def _as_tag(value: object) -> object:
    return "" if value is None or isinstance(value, Null) else _only_text(value)


def _as_number(value: object) -> object:
    value = plain(value)
    if isinstance(value, bool):
        raise PydanticCustomError("number", "must be a number, not true or false")
    return value


def _as_word(value: object) -> object:
    value = as_text(value)
    return value.lower() if isinstance(value, str) else value


def _as_snake(value: object) -> object:
    value = as_text(value)
    return _HUMP.sub("_", value).lower() if isinstance(value, str) else value


def _as_anything(value: object) -> object:
    if isinstance(value, Null):
        raise PydanticCustomError("null", "must not be null")
    return plain(value)


def _as_literal(value: object) -> bool | int | float | str:
    found = plain(value)
    if isinstance(found, (bool, int, float, str)):
        return found
    raise PydanticCustomError("literal", "must be a text, a number, or true or false")


def _iso_8601(text: str) -> str:
    if _DURATION.fullmatch(text) is None:
        raise PydanticCustomError("duration", "must be an ISO 8601 duration, such as P7D or PT30M")
    return text


def _until(text: str) -> str:
    """Return an instant in UTC; a day lasts until its end."""
    try:
        if _DAY.fullmatch(text):
            return (datetime.fromisoformat(f"{text}T00:00:00+00:00") + timedelta(days=1)).isoformat()
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("until", "must be a day, such as 2027-03-31, or an instant, such as 2027-03-31T18:00:00Z")


Text = Annotated[str, BeforeValidator(_only_text)]
"""Text; a number or a truth value is none, as in Azure, and is written in quotes."""
TextAsWritten = Annotated[str, BeforeValidator(as_text)]
"""Text exactly as written, also where YAML reads a number, so that `version: 1.10` is "1.10"."""
AnyCase = BeforeValidator(_as_word)
"""Of a closed choice whose words may be written in capitals."""
AnyHump = BeforeValidator(_as_snake)
"""Of a closed choice whose words may be written `chatCompletion` or `chat_completion`."""
TagAsWritten = Annotated[str, BeforeValidator(_as_tag_written)]
"""The text of an asset's tag, exactly as written; a tag without one is empty."""
OrNull = BeforeValidator(lambda value: None if isinstance(value, Null) else value)
"""Of a field that may be written without a value."""
TagText = Annotated[str, BeforeValidator(_as_tag)]
"""The text of a tag; a tag without one is empty."""
Name = Annotated[
    str, BeforeValidator(_only_text), StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=255)
]
"""The name of a thing: letters, digits, `_`, `-`, `.`."""
ComponentName = Annotated[str, BeforeValidator(_only_text), StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Duration = Annotated[str, BeforeValidator(as_text), AfterValidator(_iso_8601)]
"""An ISO 8601 duration: P7D, PT30M."""
Until = Annotated[str, BeforeValidator(as_text), AfterValidator(_until)]
"""The instant from which something no longer counts, ISO 8601 in UTC; a day counts to its end."""
Money = Annotated[str, BeforeValidator(as_text), StringConstraints(pattern=r"^\d+(\.\d+)? [A-Z]{3}$")]
"""A decimal amount and an ISO 4217 currency: `0.12 EUR`."""
Whole = Annotated[int, BeforeValidator(_as_number)]
Count = Annotated[int, BeforeValidator(_as_number), Field(ge=1)]
Number = Annotated[float, BeforeValidator(_as_number), Field(allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(_as_number), Field(ge=0, le=1)]
Flag = Annotated[bool, BeforeValidator(plain)]
Single = Annotated[bool | int | float | str, PlainValidator(_as_literal)]
"""A literal input: text, number, or truth value."""
Anything = Annotated[Any, PlainValidator(_as_anything)]
"""A value kept as it is: what is inside is another's grammar."""
