"""The error tree: each class fixes an HTTP status and an exit status, each code its words.

BucleError
├── BadRequest      400  exit 2   the request or the file is at fault
├── NotSignedIn     401  exit 3   nobody is known to be calling
├── Refused         403  exit 3   refused by gate, policy or identity
├── NotFound        404  exit 4   it does not exist, or lies outside the caller's scope
├── Conflict        409  exit 5   the world moved, or a name is taken
├── TooMany         429  exit 3   slow down
├── WorkFailed      422  exit 1   the work itself failed (a job; a promotion returned by its canary)
├── StillWaiting    408  exit 6   `--wait` ran out while an approval was missing
├── Unavailable     503  exit 7   the records cannot be reached or are busy; the same request may be sent again
└── PlatformFault   500  exit 7   ours

Raise with a code of the catalogue and its values: `errors.NotFound("job.not_found", job=name)`.
"""

from collections.abc import Mapping
from typing import ClassVar

from bucle.errors.catalogue import text_of


class BucleError(Exception):
    """What happened, with the values, and the command or the edit that mends it."""

    http_status: ClassVar[int] = 500
    exit_status: ClassVar[int] = 7

    def __init__(self, code: str, /, **values: object) -> None:
        self.code = code
        self.values: Mapping[str, object] = values
        text = text_of(code)
        self.detail = text.detail.format(**values)
        self.hint = text.hint.format(**values)
        super().__init__(self.detail)

    def __str__(self) -> str:
        """Return the sentence and, where there is one, the way out of it."""
        return f"{self.detail} → {self.hint}" if self.hint else self.detail


class BadRequest(BucleError):
    """The request or the file is at fault."""

    http_status = 400
    exit_status = 2


class NotSignedIn(BucleError):
    """Nobody is known to be calling."""

    http_status = 401
    exit_status = 3


class Refused(BucleError):
    """Gate, policy or identity says no."""

    http_status = 403
    exit_status = 3


class NotFound(BucleError):
    """It does not exist, or lies outside the caller's scope."""

    http_status = 404
    exit_status = 4


class Conflict(BucleError):
    """The world moved under the request, or a name is taken."""

    http_status = 409
    exit_status = 5


class TooMany(BucleError):
    """More requests than the limit allows."""

    http_status = 429
    exit_status = 3


class WorkFailed(BucleError):
    """The platform did its part; the work itself failed."""

    http_status = 422
    exit_status = 1


class StillWaiting(BucleError):
    """The time given to `--wait` ran out while an approval was missing."""

    http_status = 408
    exit_status = 6


class Unavailable(BucleError):
    """The records cannot be reached or are busy; what was asked may be asked again under the same key."""

    http_status = 503


class PlatformFault(BucleError):
    """The platform is at fault."""


def of_problem(status: int, code: str, detail: str, hint: str) -> BucleError:
    """Return the error that a server's problem document stands for, its words kept as sent."""
    kinds = {kind.http_status: kind for kind in BucleError.__subclasses__()}
    kind = kinds.get(status, PlatformFault if status >= 500 else BadRequest)
    error = kind("wire.as_sent", detail=detail, hint=hint)
    error.code = code
    return error
