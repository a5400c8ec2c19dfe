"""Redaction: in whatever pieces a text arrives, no secret and no token of it is shown, and nothing else goes."""

import base64
from urllib.parse import quote, quote_plus

from hypothesis import example, given
from hypothesis import strategies as st

from bucle.runtime.redaction import Redaction, redacted

TOKEN = "bcl_abcdefgh_" + "A" * 43 + "_0123abcd"
SECRET = 'p=ss "w\\rd"/ñ+3'


def _in_pieces(text: bytes, size: int, *values: str) -> bytes:
    redaction = Redaction(values)
    pieces = [redaction.pass_on(text[at : at + size]) for at in range(0, len(text), size)]
    return b"".join([*pieces, redaction.rest()])


@given(st.integers(1, 200))
def test_pieces_of_any_size(size: int) -> None:
    """A value and a token that are split over pieces go, what only begins like one stays."""
    text = f"a {SECRET} b {TOKEN} c {SECRET[:7]} bcl_abc b".encode()
    assert _in_pieces(text, size, SECRET) == f"a *** b *** c {SECRET[:7]} bcl_abc b".encode()


@given(st.text(min_size=8, max_size=30), st.text(max_size=5), st.integers(1, 20))
@example("aaaaaaaa", "aaaa", 1)
@example("abcdefgh", "", 3)
def test_any_value(value: str, before: str, size: int) -> None:
    """The value is nowhere in what is shown, be it next to its own beginning."""
    text = f"{before}{value[:4]}{value} {value}".encode()
    assert value.encode() not in _in_pieces(text, size, value)


@given(st.text(max_size=80), st.integers(1, 20))
def test_what_holds_no_secret_passes(text: str, size: int) -> None:
    """Bytes without one come out as they went in."""
    encoded = text.replace("bc", "").encode()
    assert _in_pieces(encoded, size, SECRET + "§") == encoded


def test_longer_of_two_values() -> None:
    """A value that begins as another one does not leave its rest behind."""
    for size in range(1, 20):
        assert _in_pieces(b"x abcdefghijkl y abcdefgh", size, "abcdefgh", "abcdefghijkl") == b"x *** y ***"


def test_forms() -> None:
    """The value goes as text, quoted by JSON and Python, in URLs, and as base64 wherever it begins in it."""
    raw = SECRET.encode()
    forms = (SECRET, repr(SECRET)[1:-1], 'p=ss \\"w\\\\rd\\"/\\u00f1+3', quote(SECRET, safe=""), quote_plus(SECRET))
    assert [redacted(f"<{form}>", [SECRET]) for form in forms] == ["<***>"] * len(forms)
    for before in ("", "u", "us", "user:"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(before.encode() + raw).decode()
            shown = redacted(whole, [SECRET])
            assert whole[8:16] not in shown
            assert "***" in shown


def test_each_line_of_a_long_secret() -> None:
    """A key of several lines is not shown line by line either."""
    assert redacted("> line of a key\n> another line", ["line of a key\nanother line"]) == "> ***\n> ***"
