"""The fields of a request, read by name: what is missing or of another type is BadRequest, never a fault."""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bucle import errors

_NAMED_NUMBERS: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PAGE = b"bucle:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A JSON object, or the query of a GET: there every value is a text, and a repeated one a list."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        found = self.text_or(name, "")
        if not found:
            raise errors.BadRequest("tracking.missing_field", field=name)
        return found

    def text_or(self, name: str, default: str) -> str:
        """Return a text, or the default where there is none."""
        found = self.values.get(name)
        if found is None:
            return default
        if not isinstance(found, str):
            raise errors.BadRequest("tracking.bad_field", field=name, wanted="a text", given=_shown(found))
        return found

    def optional(self, name: str) -> str | None:
        """Return a text, or None where there is none."""
        return self.text_or(name, "") or None

    def integer(self, name: str) -> int:
        """Return an integer that must be there; protobuf's JSON lets it be written as a text."""
        found = self.integer_or(name)
        if found is None:
            raise errors.BadRequest("tracking.missing_field", field=name)
        return found

    def integer_or(self, name: str) -> int | None:
        """Return an integer, or None where there is none."""
        found = self.values.get(name)
        if found is None:
            return None
        whole = isinstance(found, int) or (isinstance(found, float) and found.is_integer())
        if whole and not isinstance(found, bool):
            return int(found)
        if isinstance(found, str) and found.removeprefix("-").isdecimal() and found.isascii() and len(found) < 40:
            return int(found)
        raise errors.BadRequest("tracking.bad_field", field=name, wanted="an integer", given=_shown(found))

    def number(self, name: str) -> float:
        """Return a number that must be there; NaN and ±Infinity come as texts."""
        found = self.values.get(name)
        if found is None:
            raise errors.BadRequest("tracking.missing_field", field=name)
        if isinstance(found, str) and found in _NAMED_NUMBERS:
            return _NAMED_NUMBERS[found]
        try:
            if not isinstance(found, bool):
                return float(found)
        except (TypeError, ValueError, OverflowError):
            pass
        raise errors.BadRequest("tracking.bad_field", field=name, wanted="a number", given=_shown(found))

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value, or the default."""
        found = self.values.get(name, default)
        if isinstance(found, bool):
            return found
        raise errors.BadRequest("tracking.bad_field", field=name, wanted="true or false", given=_shown(found))

    def texts(self, name: str) -> Sequence[str]:
        """Return a list of texts; a single one in a query is a list of one."""
        found = self.values.get(name) or []
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise errors.BadRequest("tracking.bad_field", field=name, wanted="a list of texts", given=_shown(found))
        return listed

    def rows(self, name: str) -> Sequence["Fields"]:
        """Return a list of objects."""
        found = self.values.get(name) or []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise errors.BadRequest("tracking.bad_field", field=name, wanted="a list of objects", given=_shown(found))
        return [Fields(values=one) for one in found]

    def row(self, name: str) -> "Fields":
        """Return an object that must be there."""
        found = self.values.get(name)
        if not isinstance(found, dict):
            raise errors.BadRequest("tracking.missing_field", field=name)
        return Fields(values=found)

    def pairs(self, name: str) -> Sequence[tuple[str, str]]:
        """Return a list of `{key, value}` objects as pairs."""
        return [row.pair() for row in self.rows(name)]

    def pair(self) -> tuple[str, str]:
        """Return key and value."""
        return self.text("key"), self.text_or("value", "")

    def limit(self, name: str, *, default: int, most: int) -> int:
        """Return how many rows are asked for; BadRequest above the most, or below one."""
        found = self.integer_or(name)
        if found is None:
            return default
        if not 0 < found <= most:
            raise errors.BadRequest("tracking.bad_field", field=name, wanted=f"between 1 and {most}", given=found)
        return found

    def offset(self) -> int:
        """Return behind how many rows the page starts that `page_token` names."""
        token = self.text_or("page_token", "")
        if not token:
            return 0
        try:
            head, number = base64.urlsafe_b64decode(token)[: len(_PAGE)], base64.urlsafe_b64decode(token)[len(_PAGE) :]
        except (ValueError, binascii.Error) as fault:
            raise errors.BadRequest("tracking.bad_page_token") from fault
        if head != _PAGE or not number.isdigit() or len(number) > 18:
            raise errors.BadRequest("tracking.bad_page_token")
        return int(number)


def page(name: str, rows: Sequence[Any], *, limit: int, offset: int) -> dict[str, Any]:
    """Return a page of `limit` rows; `rows` holds one more where more follow."""
    answer: dict[str, Any] = {name: list(rows[:limit])}
    if len(rows) > limit:
        answer["next_page_token"] = base64.urlsafe_b64encode(_PAGE + str(offset + limit).encode()).decode()
    return answer


def _shown(value: Any) -> str:
    return str(value)[:80]
