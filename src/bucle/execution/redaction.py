"""Redaction of what is written down elsewhere than in a log, by the same rules as that."""

from collections.abc import Iterable

from bucle.runtime import redaction


def redacted(text: str, values: Iterable[str] = ()) -> str:
    """Return `text` with these values and every credential of bucle replaced by `***`."""
    return redaction.redacted(text, values)
