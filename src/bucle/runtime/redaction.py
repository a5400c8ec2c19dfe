"""Redaction: secrets replaced by `***` in bytes that come in pieces, by their values and by the shape of our tokens."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MARK = b"***"
LEAST_LENGTH = 8
"""Characters: a shorter line of a secret of several lines stands in too much that is none."""
_CREDENTIAL = rb"bc[lsi]_[a-z2-7]{8}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}"
_LONGEST_CREDENTIAL = 65
_BEGUN = re.compile(
    rb"bc?\Z|bc[lsi](?:_(?:[a-z2-7]{0,7}\Z|[a-z2-7]{8}(?:_(?:[A-Za-z0-9_-]{0,43}\Z|[A-Za-z0-9_-]{43}_[0-9a-f]{0,7}\Z)|\Z))|\Z)"
)
"""A credential that the text ends in the middle of."""


class Redaction:
    """A stream without these values: as they are, as base64 at any offset, in URLs, and as JSON and Python quote them.

    Credentials of bucle are found by their shape, whoever they belong to. What may be the beginning of either is held
    back until it is seen whether it goes on as one.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join([*map(re.escape, self._forms), _CREDENTIAL]))
        self._held = b""

    def pass_on(self, chunk: bytes) -> bytes:
        """Return what can be shown once `chunk` has followed what came before."""
        text = self._held + chunk
        shown: list[bytes] = []
        at, begun = 0, self._begun_at(text, 0)
        for found in self._pattern.finditer(text):
            if found.start() >= begun:  # it may yet become a longer one
                break
            shown += [text[at : found.start()], MARK]
            at = found.end()
            if at > begun:
                begun = self._begun_at(text, at)
        self._held = text[begun:]
        return b"".join([*shown, text[at:begun]])

    def rest(self) -> bytes:
        """Return what was held back: nothing follows it."""
        rest, self._held = self._held, b""
        return self._pattern.sub(MARK, rest)

    def _begun_at(self, text: bytes, start: int) -> int:
        """Return where, from `start` on, a form begins that goes on behind `text`; its length where none does."""
        begun = _BEGUN.search(text, max(start, len(text) - _LONGEST_CREDENTIAL))
        first = begun.start() if begun else len(text)
        for form in self._forms:
            at = text.find(form[:1], max(start, len(text) - len(form) + 1))
            while 0 <= at < first:
                if form.startswith(text[at:]):
                    first = at
                at = text.find(form[:1], at + 1)
        return first


def redacted(text: str, values: Iterable[str] = ()) -> str:
    """Return `text` with every value and every credential of bucle replaced."""
    redaction = Redaction(values)
    shown = redaction.pass_on(text.encode("utf-8", "surrogatepass")) + redaction.rest()
    return shown.decode("utf-8", "surrogatepass")


def _forms(value: str) -> Iterator[bytes]:
    for part in {value, *(line for line in value.splitlines() if len(line) >= LEAST_LENGTH)}:
        raw = part.encode()
        yield raw
        yield json.dumps(part)[1:-1].encode()
        yield json.dumps(part, ensure_ascii=False)[1:-1].encode()
        yield repr(part)[1:-1].encode()
        for quoted in (quote(part, safe=""), quote(part), quote_plus(part)):
            yield quoted.encode()
            yield re.sub("%..", lambda found: found[0].lower(), quoted).encode()
        for offset in range(3):
            inner = _inner_base64(raw, offset)
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")


def _inner_base64(raw: bytes, offset: int) -> bytes:
    """Return the characters of base64 that `raw` alone decides when it begins `offset` bytes into a group of three."""
    encoded = base64.b64encode(bytes(offset) + raw)
    shared = (0, 2, 3)[offset]
    whole = (offset + len(raw)) * 8 // 6
    return encoded[shared:whole]
