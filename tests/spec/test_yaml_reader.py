"""YAML text: what is read, what is refused before it costs anything, and where the fault stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle.spec.faults import Fault, FaultyDocument
from bucle.spec.yaml_reader import MAX_BYTES, parse


def lines(text: bytes) -> list[str]:
    """Return the faults of a text."""
    with pytest.raises(FaultyDocument) as caught:
        parse(text, "f.yml")
    return [str(fault) for fault in caught.value.faults]


def test_values_and_places() -> None:
    """Keys and values carry the line and column at which an editor shows them."""
    document = parse(b"a: 1\nb:\n  - x\n  - c: \xc3\xa9\n", "f.yml")
    place = document.places["b", 1, "c"]
    assert document.values == {"a": 1, "b": ["x", {"c": "é"}]}
    assert (place.key_line, place.key_column, place.line, place.column) == (4, 5, 4, 8)


def test_every_fault_of_the_text_at_once() -> None:
    """Duplicate keys, keys that are not text and foreign tags are all named in one go."""
    assert lines(b"a: 1\na: 2\n1: x\n? [k]\n: y\nb: !!python/name:os.system z\n") == [
        "f.yml:2:1: a: the key stands twice; it stands first on line 1",
        "f.yml:3:1: the key 1 is not text; write it in quotes",
        "f.yml:4:3: a key is text",
        "f.yml:6:4: b: the tag tag:yaml.org,2002:python/name:os.system is not read here",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a: 1\n\tb: 2\n", "f.yml:2:1: found a tab character that violates indentation"),
        (b"a: 1\nb: x: y\n", "f.yml:2:5: mapping values are not allowed in this context"),
        (b"a: 1\n---\nb: 2\n", "f.yml:2:1: a second document; a file holds one"),
        (b"a: *nobody\n", "f.yml:1:4: found undefined alias"),
        (b"a: &a [*a]\n", "f.yml:1:4: the value contains itself"),
        (b"a: 1\nb: \xff\n", "f.yml:2:4: the text is not UTF-8"),
        (b"a: \x00\n", "f.yml:1:4: control characters are not allowed"),
        (b"# nothing\n", "f.yml:1:1: the document is empty"),
        (b"[" * 70 + b"]" * 70, "f.yml:1:65: nested deeper than 64 levels"),
        (b"a: " + b"9" * 500, "f.yml:1:4: a: a number of more than 400 characters"),
    ],
)
def test_garbage_has_a_place(text: bytes, fault: str) -> None:
    """Whatever is no document is refused at its line and column."""
    assert lines(text)[0].startswith(fault)


def test_aliases_are_read_and_counted() -> None:
    """An alias and a merge are read; more aliases than the cap are refused."""
    shared = parse(b"a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\n", "f.yml")
    assert shared.values == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}}
    many = b"a: &a 1\nb: [" + b", ".join([b"*a"] * 101) + b"]\n"
    assert lines(many) == ["f.yml:2:405: more than 100 aliases"]


def test_a_billion_laughs_are_refused_before_they_are_expanded() -> None:
    """Nine levels of nine aliases stay under the cap of aliases, and are refused for what they would be."""
    text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for level in range(1, 10):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n"
    assert "its aliases expand to" in lines(text.encode())[0]


def test_size_is_capped() -> None:
    """A document of 4 MiB is read, one byte more is not."""
    assert parse(b"a: " + b"x" * (MAX_BYTES - 3), "f.yml").values
    assert lines(b"a: " + b"x" * (MAX_BYTES - 2)) == ["f.yml:1:1: 4194305 bytes; a document holds at most 4194304"]


def test_words_of_yaml_1_1_stay_what_people_wrote() -> None:
    """`on:` is a key; a date, a time of day and a quoted number are text."""
    document = parse(b"on: 2022-07-10\nno: 12:30:00\nv: '1'\nw: yes\n", "f.yml")
    assert document.values == {"on": "2022-07-10", "no": "12:30:00", "v": "1", "w": True}


@given(st.one_of(st.binary(max_size=200), st.text("-:[]{}&*!|>'\"#%@ \n\tab01<?,", max_size=120).map(str.encode)))
def test_any_bytes_are_a_document_or_faults(text: bytes) -> None:
    """No input makes the reader fail in another way than with faults that have a place."""
    faults: tuple[Fault, ...] = ()
    found = None
    try:
        found = parse(text, "f.yml")
    except FaultyDocument as error:
        faults = error.faults
    assert (found is None) == bool(faults)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)
