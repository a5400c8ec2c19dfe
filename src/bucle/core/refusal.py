"""Refusals by rule: a code of the catalogue with its values, decided here and raised by whoever acts."""

from collections.abc import Mapping
from dataclasses import dataclass

from bucle import errors
from bucle.core.access import Deny, error_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A rule that says no: a code of the catalogue and the values of its sentence."""

    code: str
    values: Mapping[str, object]

    @property
    def error(self) -> errors.Refused:
        """The refusal as the error that people read."""
        return errors.Refused(self.code, **self.values)


def refuse(code: str, **values: object) -> Refusal:
    """Return a refusal with this code and these values."""
    return Refusal(code=code, values=values)


def refusal_of(deny: Deny) -> Refusal:
    """Return the denial of a permission as a refusal."""
    error = error_of(deny)
    return Refusal(code=error.code, values=error.values)
