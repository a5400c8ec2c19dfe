"""Comparisons of the grammar, as SQL and over values, alike on every database: LIKE minds case, ILIKE does not."""

import operator as plain
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from bucle.tracking.grammar import Value

_PLAIN: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"=": plain.eq, "!=": plain.ne, ">": plain.gt, ">=": plain.ge, "<": plain.lt, "<=": plain.le}
)
_GLOB = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


def compare(rows: sa.Connection, column: sa.ColumnElement[Any], operator: str, value: Value) -> sa.ColumnElement[bool]:
    """Return the condition `column operator value`; `operator` is one that the grammar let through."""
    if operator in _PLAIN:
        condition: sa.ColumnElement[bool] = _PLAIN[operator](column, value)
        return condition
    if isinstance(value, tuple):
        return column.in_(value) if operator == "IN" else column.not_in(value)
    if operator == "ILIKE":
        return sa.func.lower(column).like(sa.func.lower(str(value)))
    if rows.dialect.name == "sqlite":  # whose LIKE does not mind case
        return column.bool_op("GLOB")(str(value).translate(_GLOB))
    return column.like(str(value))


def holds(value: Any, operator: str, wanted: Value) -> bool:
    """Say whether `value operator wanted` is true of a value; None stands for what is not there."""
    if operator in {"IS NULL", "IS NOT NULL"}:
        return (value is None) == (operator == "IS NULL")
    if value is None:
        return False
    if operator in _PLAIN:
        return bool(_PLAIN[operator](value, wanted))
    if isinstance(wanted, tuple):
        return (value in wanted) == (operator == "IN")
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in str(wanted))
    flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else re.NOFLAG)
    return re.fullmatch("".join(parts), str(value), flags) is not None
