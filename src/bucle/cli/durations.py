"""Spans of time as people write them on the command line: `30d`, `12h`, `90m`."""

import re
from datetime import timedelta
from typing import Any

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([1-9]\d{0,5})([smhdw])")


class Span(click.ParamType[timedelta]):
    """A number and one of the units s, m, h, d, w."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the span, or fail with the forms that are understood."""
        if isinstance(value, timedelta):
            return value
        written = _SPAN.fullmatch(str(value))
        if written is None:
            self.fail(f"{value!r} is not a span of time; write 90m, 12h or 30d", param, ctx)
        return timedelta(**{UNITS[written[2]]: int(written[1])})
