"""Owns the quoting of values inside an author's shell command: it follows the quotes, and fails closed.

The grammar is POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.3 Token Recognition. What shells read
differently (`$'…'`, arithmetic, backticks, `${…}` with quotes, here-documents) is stepped over whole where it
is simple and closed; anywhere else no value is inserted after it.
"""

import re
import shlex
from typing import Literal

from bucle import errors

Context = Literal["plain", "single", "double", "comment", "substitution", "group"]

_CLOSED_FORMS = (
    re.compile(r"\$\{(?:[^'\"`\\{}$]|\$[A-Za-z_])*\}"),
    re.compile(r"\$\(\((?:[^'\"`\\()#]|\([^'\"`\\()#]*\))*\)\)"),
    re.compile(r"\$\[\[[\w.\s-]*\]\]"),
    re.compile(r"`[^`'\"\\$]*`"),
)
_CLOSED_ANSI = re.compile(r"\$'(?:[^'\\]|\\[^'])*'")
_OPEN_FORMS = (
    ("${", "after the beginning of ${…}"),
    ("$((", "after the beginning of $((…))"),
    ("$[", "after the beginning of $[…]"),
    ("`", "after the beginning of backticks"),
    ("((", "after the beginning of ((…))"),
    # After an error inside an array bash goes on with the next line, be it a value's.
    ("=(", "after the beginning of an array"),
)
_BEFORE_A_WORD = frozenset(" \t\n;|&()<>")
_SPECIAL_IN_DOUBLE = re.compile(r'([\\"$`])')
_CASE = re.compile(r"\bcase\b")


class ShellText:
    """A command line in the making; it knows in which quotes its end stands."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._contexts: list[Context] = ["plain"]
        self._previous = "\n"
        self._pending = ""
        self._substitution_in_quotes = False
        self._refused = ""

    def write(self, literal: str) -> None:
        """Append what the author wrote."""
        self._pieces.append(literal)
        position = 0
        while position < len(literal):
            position += self._step(literal, position)
        if self._substitution_in_quotes and _CASE.search(literal):
            # `case x in a)` closes a bracket that it never opened, so the nesting is no longer known.
            self._refused = "after a `case` inside $(…)"

    def insert(self, value: str, expression: str) -> None:
        """Append a value as one argument, or as part of the quotes it stands in."""
        where = self._refused or (f"right after a {self._pending}" if self._pending else "")
        if "\0" in value:
            where = "for a value with a NUL"
        if where:
            raise errors.BadRequest("spec.unsafe_expression", expression=expression, where=where)
        self._pieces.append(self._quoted(value))
        self._previous = "x"

    def text(self) -> str:
        """Return the command line."""
        return "".join(self._pieces)

    def _quoted(self, value: str) -> str:
        match self._contexts[-1]:
            case "single":
                return value.replace("'", "'\\''")
            case "double":
                return _SPECIAL_IN_DOUBLE.sub(r"\\\1", value)
            case "comment":
                # A newline would end the comment.
                return shlex.quote(value.replace("\n", " "))
            case _:
                return shlex.quote(value)

    def _step(self, text: str, position: int) -> int:
        """Take one token of the author's text; return its length."""
        context, character = self._contexts[-1], text[position]
        pending, self._pending = self._pending, ""
        before, self._previous = self._previous, character
        if context == "comment":
            return self._close_at(character, "\n")
        if context == "single":
            return self._close_at(character, "'")
        if pending == "backslash":
            # The character after a backslash means itself.
            self._previous = "x"
            return 1
        if character == "\\":
            self._pending = "backslash"
            return 1
        if context == "double":
            return self._close_at(character, '"') if character == '"' else self._step_over_form(text, position)
        return self._step_in_command(text, position, before)

    def _close_at(self, character: str, end: str) -> int:
        if character == end:
            self._contexts.pop()
        return 1

    def _step_in_command(self, text: str, position: int, before: str) -> int:
        character = text[position]
        ansi = _CLOSED_ANSI.match(text, position)
        if ansi:
            return len(ansi[0])
        if text.startswith("$'", position):
            self._refused = "after the beginning of $'…'"
        elif text.startswith("<<<", position):
            return 3
        elif text.startswith("<<", position):
            self._refused = "after the beginning of a here-document"
        elif character == "'":
            self._contexts.append("single")
        elif character == '"':
            self._contexts.append("double")
        elif character == "#" and before in _BEFORE_A_WORD:
            self._contexts.append("comment")
        elif character == ")" and self._contexts[-1] in {"substitution", "group"}:
            self._contexts.pop()
        else:
            return self._step_over_form(text, position)
        return 1

    def _step_over_form(self, text: str, position: int) -> int:
        """Step over what is closed and simple; refuse every value after what is not."""
        quoted = self._contexts[-1] == "double"
        if quoted and text[position] not in "$`":
            return 1
        for form in _CLOSED_FORMS:
            closed = form.match(text, position)
            if closed:
                return len(closed[0])
        for opening, where in _OPEN_FORMS:
            if text.startswith(opening, position):
                self._refused = where
        if text.startswith("$(", position):
            self._contexts.append("substitution")
            self._substitution_in_quotes |= quoted
            return 2
        if text[position] == "(":
            self._contexts.append("group")
        elif text[position] == "$":
            self._pending = "dollar"
        return 1
