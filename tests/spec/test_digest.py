"""Digests: of documents over RFC 8785, of folders over their sorted list."""

import hashlib

import pytest

from bucle import errors
from bucle.spec.digest import FolderEntry, canonical, digest_of, folder_digest

EMPTY = f"sha256:{hashlib.sha256(b'').hexdigest()}"


def entry(path: str, *, executable: bool = False, size: int = 0) -> FolderEntry:
    """Return an empty file of a folder."""
    return FolderEntry(path=path, executable=executable, size=size, sha256=EMPTY)


def test_canonical_json_is_that_of_the_rfc() -> None:
    """Keys in the order of UTF-16, numbers as ECMAScript writes them (RFC 8785, 3.2.2 and 3.2.3)."""
    given = {"\u20ac": 1, "\r": 2, "1": 4.50, "\U0001f600": 1e30, "a": [True, None, 333333333.33333329]}
    expected = '{"\\r":2,"1":4.5,"a":[true,null,333333333.3333333],"\u20ac":1,"\U0001f600":1e+30}'
    assert canonical(given).decode() == expected
    assert digest_of(given) == f"sha256:{hashlib.sha256(expected.encode()).hexdigest()}"


def test_numbers_that_json_cannot_hold_are_text() -> None:
    """2^53 - 1 is the last exact integer; above it and beyond the finite, the text is digested."""
    assert canonical([2**53 - 1, 2**53, float("nan"), float("inf")]) == (
        b'[9007199254740991,"9007199254740992","nan","inf"]'
    )


def test_a_folder_is_its_sorted_list() -> None:
    """The order of the walk and the form of Unicode in a name do not matter; the executable bit does."""
    line = f'[["a",false,0,"{EMPTY}"],["\u00e9/b",true,3,"{EMPTY}"]]'
    expected = f"sha256:{hashlib.sha256(line.encode()).hexdigest()}"
    composed, apart = entry("\u00e9/b", executable=True, size=3), entry("e\u0301/b", executable=True, size=3)
    assert folder_digest([entry("a"), composed]) == expected
    assert folder_digest([apart, entry("a")]) == expected
    assert folder_digest([entry("a"), entry("\u00e9/b", size=3)]) != expected


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "./a", "a//b"])
def test_only_paths_below_the_root_are_digested(path: str) -> None:
    """A path that could stand for another place is refused, and so are two files of one name."""
    assert folder_digest([entry("a/b")])
    with pytest.raises(errors.BadRequest):
        folder_digest([entry(path)])
    with pytest.raises(errors.BadRequest, match="twice"):
        folder_digest([entry("\u00e9"), entry("e\u0301")])
