"""Secrets as they come: which names they may have, and which values can be kept out of logs."""

import re

from bucle import errors

LONGEST_BYTES = 64 << 10
"""Linux takes 128 kB for one variable, its name included."""
LEAST_LENGTH = 8
"""A shorter value stands in too much that is none: it could not be replaced in a log."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


def check_name(name: str) -> None:
    """Raise BadRequest for what `${{secrets.NAME}}` could not name."""
    if _NAME.fullmatch(name) is None:
        raise errors.BadRequest("secret.bad_name", name=name[:200])


def read_value(content: bytes) -> str:
    """Return a value as a variable can hold it; BadRequest, which never shows it, says why it cannot.

    One line end after it is not a part of it: files and `echo` put it there.
    """
    if len(content) > LONGEST_BYTES:
        raise errors.BadRequest("secret.too_long", longest=LONGEST_BYTES)
    try:
        value = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as fault:
        raise errors.BadRequest("secret.not_text") from fault
    if "\0" in value:
        raise errors.BadRequest("secret.not_text")
    if len(value) < LEAST_LENGTH:
        raise errors.BadRequest("secret.too_short", least=LEAST_LENGTH)
    return value
