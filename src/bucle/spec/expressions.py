"""Owns the expressions `${{ … }}` and the optional sections `$[[ … ]]`: a small grammar, never run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from bucle import errors
from bucle.spec.shell import ShellText

_EXPRESSION = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOf:
    """`inputs.NAME`, or `parent.inputs.NAME` with `of_parent`; `NAME` may have dots (a group of inputs)."""

    name: str
    of_parent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOf:
    """`outputs.NAME`, or `parent.outputs.NAME` with `of_parent`."""

    name: str
    of_parent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOfStep:
    """`parent.jobs.STEP.outputs.NAME`."""

    step: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """`search_space.NAME`: a value that a sweep chose."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameOfJob:
    """`name`: the name of the job itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultDatastore:
    """`default_datastore`: the datastore of the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOf:
    """`secrets.NAME`: a secret of the stage; ours, and nowhere but as the whole value of an environment variable."""

    name: str


Expression = InputOf | OutputOf | OutputOfStep | SearchSpace | NameOfJob | DefaultDatastore | SecretOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional:
    """A section that goes when an expression in it has no value."""

    parts: tuple["str | Expression", ...]


Part = str | Expression | Optional
Template = tuple[Part, ...]
Values = Mapping[Expression, str | None]
"""What each expression stands for; None: an optional input that nobody set."""


def parse(text: str) -> Template:
    """Return the parts of a text; raise `BadRequest("spec.bad_expression")` for one outside the grammar."""
    parts: list[Part] = []
    end = 0
    for match in _OPTIONAL.finditer(text):
        parts.extend(_expressions(text[end : match.start()]))
        inner = tuple(_expressions(match[1]))
        # Without an expression it is no optional section: Azure leaves the text as it stands.
        parts.extend([Optional(parts=inner)] if any(not isinstance(part, str) for part in inner) else [match[0]])
        end = match.end()
    parts.extend(_expressions(text[end:]))
    return tuple(parts)


def expressions_of(template: Template) -> Iterator[Expression]:
    """Yield each expression of a template, those of optional sections too."""
    for part in template:
        if isinstance(part, Optional):
            yield from (inner for inner in part.parts if not isinstance(inner, str))
        elif not isinstance(part, str):
            yield part


def only_expression(text: str) -> Expression | None:
    """Return the expression when the text is that one expression and nothing else."""
    template = parse(text.strip())
    first = template[0] if len(template) == 1 else None
    return None if first is None or isinstance(first, str | Optional) else first


def render(template: Template, values: Values) -> str:
    """Return a command line: each value is one argument, or stays inside the quotes the author put round it.

    Raises `BadRequest`: `spec.unresolved_expression` without a value, `spec.unsafe_expression` where no
    quoting holds (backticks, here-documents, after a `$` or a backslash).
    """
    line = ShellText()
    for part in _chosen(template, values):
        if isinstance(part, str):
            line.write(part)
        else:
            line.insert(_value(part, values), written(part))
    return line.text()


def render_text(template: Template, values: Values) -> str:
    """Return the text with each value in its place, unquoted: for a path or a name, never for a command."""
    return "".join(part if isinstance(part, str) else _value(part, values) for part in _chosen(template, values))


def written(expression: Expression) -> str:
    """Return an expression as people write it."""
    match expression:
        case InputOf(name=name, of_parent=of_parent):
            body = f"parent.inputs.{name}" if of_parent else f"inputs.{name}"
        case OutputOf(name=name, of_parent=of_parent):
            body = f"parent.outputs.{name}" if of_parent else f"outputs.{name}"
        case OutputOfStep(step=step, name=name):
            body = f"parent.jobs.{step}.outputs.{name}"
        case SearchSpace(name=name):
            body = f"search_space.{name}"
        case NameOfJob():
            body = "name"
        case DefaultDatastore():
            body = "default_datastore"
        case SecretOf(name=name):
            body = f"secrets.{name}"
        case _:
            assert_never(expression)
    return f"${{{{{body}}}}}"


def _chosen(template: Template, values: Values) -> Iterator[str | Expression]:
    for part in template:
        if not isinstance(part, Optional):
            yield part
        elif all(isinstance(inner, str) or values.get(inner, "") is not None for inner in part.parts):
            yield from part.parts


def _value(expression: Expression, values: Values) -> str:
    value = values.get(expression)
    if value is None:
        raise errors.BadRequest("spec.unresolved_expression", expression=written(expression))
    return value


def _expressions(text: str) -> Iterator[str | Expression]:
    end = 0
    for match in _EXPRESSION.finditer(text):
        yield from _literal(text[end : match.start()])
        yield _expression(match[1])
        end = match.end()
    yield from _literal(text[end:])


def _literal(text: str) -> Iterator[str]:
    if "${{" in text:
        opened = text[text.index("${{") :]
        raise errors.BadRequest("spec.bad_expression", expression=opened[:60], why="it is not closed with }}")
    if text:
        yield text


def _expression(body: str) -> Expression:
    words = body.split(".")
    known = _of_words(words) if all(_WORD.fullmatch(word) for word in words) else None
    if known is None:
        why = f"nothing is called {body!r} here"
        raise errors.BadRequest("spec.bad_expression", expression=f"${{{{{body}}}}}", why=why)
    return known


def _of_words(words: list[str]) -> Expression | None:
    found: Expression | None = None
    match words:
        case ["inputs", _, *_]:
            found = InputOf(name=".".join(words[1:]))
        case ["outputs", name]:
            found = OutputOf(name=name)
        case ["parent", "inputs", _, *_]:
            found = InputOf(name=".".join(words[2:]), of_parent=True)
        case ["parent", "outputs", name]:
            found = OutputOf(name=name, of_parent=True)
        case ["parent", "jobs", step, "outputs", name]:
            found = OutputOfStep(step=step, name=name)
        case ["search_space", name]:
            found = SearchSpace(name=name)
        case ["name"]:
            found = NameOfJob()
        case ["default_datastore"]:
            found = DefaultDatastore()
        case ["secrets", name]:
            found = SecretOf(name=name)
        case _:
            pass
    return found
