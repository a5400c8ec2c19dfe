"""How a process of the server says why it ended: one line on stderr, which `bucle` reads and shows."""

import sys

from bucle import errors


def say(error: errors.BucleError) -> int:
    """Write the error as the last line of stderr; return its exit code."""
    print(f"{type(error).__name__}\t{error.code}\t{error.detail}\t{error.hint}", file=sys.stderr)  # noqa: T201
    return error.exit_status
