"""Owns the reading of JSON from the wire: only what every part of the platform can keep and write again."""

import json
from collections.abc import Callable, Iterator
from typing import NoReturn

_LARGEST = 2**63 - 1


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def read_json(body: bytes, *, constant: Callable[[str], object] = _no_constant) -> object:
    """Return the value of a JSON text in UTF-8 (RFC 8259); ValueError says what is wrong with it.

    Refused beyond the grammar: an integer beyond 64 bits, the character NUL, half of a surrogate pair (no database
    takes them), and what is nested too deeply to be read. `constant` reads NaN and ±Infinity, which are no JSON.
    """
    try:
        document: object = json.loads(body.decode(), parse_constant=constant, parse_int=_integer)
        if b"\\u" in body:
            for text in _texts(document):
                _refuse_text(text)
    except UnicodeDecodeError as fault:
        raise ValueError("it is not UTF-8") from fault
    except RecursionError as fault:
        raise ValueError("it is nested too deeply") from fault
    return document


def _integer(digits: str) -> int:
    number = int(digits)  # Python refuses thousands of digits by itself, with a ValueError
    if abs(number) > _LARGEST:
        raise ValueError("it holds an integer beyond 64 bits")
    return number


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case _:
            pass


def _refuse_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("it holds the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueError("it holds half of a surrogate pair") from fault
