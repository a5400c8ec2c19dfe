"""A node of a job: one command; each input is a literal, a source or another step's output."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bucle import errors
from bucle.core.job_limits import NO_LIMITS, JobLimits
from bucle.spec.environment import InlineEnvironment
from bucle.spec.inputs import Input, Output
from bucle.spec.section import Uploaded

ONLY_NODE = "main"
"""The name of the one step of a command job."""
COLLECTED = frozenset({"artifacts", "default"})
"""Outputs that every node has, declared or not, by which others read what it left in `./outputs`."""
FILE_TYPES = frozenset({"uri_file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A literal input: the text that reaches the command line; None: optional and not set."""

    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An input that must be found: a reference as written, or an upload of the client's."""

    reference: str
    uploaded: Uploaded | None
    type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromStep:
    """An input that is another step's output."""

    step: str
    output: str


NodeInput = Value | Source | FromStep


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOutput:
    """A declared output: whether it is one file, and where else it is to lie.

    `path` is a datastore's path as written, with its expressions.
    """

    file: bool
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One command with everything that its document says of it."""

    name: str
    command: str
    code: Uploaded | None
    environment: str | InlineEnvironment
    inputs: Mapping[str, NodeInput] = field(default_factory=dict)
    outputs: Mapping[str, NodeOutput] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    limits: JobLimits = NO_LIMITS

    @property
    def after(self) -> tuple[str, ...]:
        """The steps whose outputs it reads."""
        return tuple(sorted({found.step for found in self.inputs.values() if isinstance(found, FromStep)}))


def literal(value: object) -> Value:
    """Return an input that is written in place; None is one that nobody set."""
    if value is None:
        return Value(text=None)
    return Value(text=str(value).lower() if isinstance(value, bool) else str(value))


def outer_input(value: object) -> NodeInput:
    """Return an input that stands on a job itself: a literal or a source."""
    if isinstance(value, Input):
        uploaded = value.path if isinstance(value.path, Uploaded) else None
        reference = uploaded.origin if uploaded else str(value.path)
        return Source(reference=reference, uploaded=uploaded, type=value.type)
    return literal(value)


def output_of(value: object, *, file: bool = False) -> NodeOutput:
    """Return a declared output; `file` is what its component says, where it is not said here."""
    if isinstance(value, Output):
        is_file = file if value.type is None else value.type in FILE_TYPES
        return NodeOutput(file=is_file, path=value.path)
    return NodeOutput(file=file)


def code_of(value: str | Uploaded | None) -> Uploaded | None:
    """Return the code snapshot of a node, which the client uploaded."""
    if value is None or isinstance(value, Uploaded):
        return value
    raise errors.BadRequest("job.code_not_uploaded", code=value)
