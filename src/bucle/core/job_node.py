"""The nodes of a job: a command job is one; each input is a literal, a source or another step's output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bucle import errors
from bucle.core.job_limits import NO_LIMITS, JobLimits, limits_of
from bucle.spec import expressions
from bucle.spec.command_component import CommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.environment import InlineEnvironment
from bucle.spec.expressions import InputOf, OutputOfStep
from bucle.spec.inputs import Input, Output
from bucle.spec.pipeline_job import NodeOfCommand, PipelineJob
from bucle.spec.section import Uploaded

ONLY_NODE = "main"
"""The name of the one step of a command job."""
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
    """A declared output: whether it is one file, and the asset that it is to be registered as, if any."""

    file: bool
    asset: str | None = None
    version: str | None = None


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


def nodes_of(job: CommandJob | PipelineJob) -> tuple[Node, ...]:
    """Return the nodes of a job; BadRequest for what is not run here or points at nothing."""
    if isinstance(job, CommandJob):
        return (_of_command(job),)
    return tuple(_of_pipeline(job))


def _of_command(job: CommandJob) -> Node:
    return Node(
        name=ONLY_NODE,
        command=job.command,
        code=_code(job.code),
        environment=job.environment,
        inputs={name: _outer(value) for name, value in (job.inputs or {}).items()},
        outputs={name: _output(value) for name, value in (job.outputs or {}).items()},
        variables=job.environment_variables or {},
        timeout_s=job.limits.timeout if job.limits and job.limits.timeout else None,
        limits=limits_of(job.resources),
    )


def _of_pipeline(job: PipelineJob) -> Iterator[Node]:
    if not job.jobs:
        raise errors.BadRequest("job.no_nodes")
    outer = {name: _outer(value) for name, value in (job.inputs or {}).items()}
    for name, node in job.jobs.items():
        if not isinstance(node, NodeOfCommand):
            raise errors.BadRequest("job.node_not_run", node=name, type=node.type)
        yield _of_node(name, node, outer, frozenset(job.jobs))


def _of_node(name: str, node: NodeOfCommand, outer: Mapping[str, NodeInput], steps: frozenset[str]) -> Node:
    component = node.component
    if isinstance(component, CommandComponent):
        ports = component.inputs or {}
        defaults: dict[str, NodeInput] = {port: _default(row.default) for port, row in ports.items()}
        types = {port: row.type for port, row in (component.outputs or {}).items()}
        outputs = {port: NodeOutput(file=types.get(port) in FILE_TYPES) for port in component.outputs or {}}
        command, code, environment = component.command, component.code, component.environment
        variables = {**(component.environment_variables or {}), **(node.environment_variables or {})}
        limits, resources = node.limits or component.limits, node.resources or component.resources
    elif component is None and node.command is not None and node.environment is not None:
        defaults, outputs = {}, {}
        command, code, environment = node.command, node.code, node.environment
        variables, limits, resources = node.environment_variables or {}, node.limits, node.resources
    else:
        raise errors.BadRequest("job.node_incomplete", node=name)
    given = {port: _inner(name, value, outer, steps) for port, value in (node.inputs or {}).items()}
    return Node(
        name=name,
        command=command,
        code=_code(code),
        environment=environment,
        inputs={**defaults, **given},
        outputs={**outputs, **{port: _output(value) for port, value in (node.outputs or {}).items()}},
        variables=variables,
        timeout_s=limits.timeout if limits and limits.timeout else None,
        limits=limits_of(resources),
    )


def _default(value: object) -> NodeInput:
    return Value(text=None if value is None else _text(value))


def _outer(value: object) -> NodeInput:
    """Return an input that stands on a job itself: a literal or a source."""
    if isinstance(value, Input):
        uploaded = value.path if isinstance(value.path, Uploaded) else None
        reference = uploaded.origin if uploaded else str(value.path)
        return Source(reference=reference, uploaded=uploaded, type=value.type)
    return _default(value)


def _inner(node: str, value: object, outer: Mapping[str, NodeInput], steps: frozenset[str]) -> NodeInput:
    """Return an input of a pipeline's node, its one expression followed to where it leads."""
    written = value.path if isinstance(value, Input) else value
    expression = expressions.only_expression(written) if isinstance(written, str) and "${{" in written else None
    match expression:
        case None:
            return _outer(value)
        case InputOf(name=name, of_parent=True) if name in outer:
            return outer[name]
        case OutputOfStep(step=step, name=output) if step in steps and step != node:
            return FromStep(step=step, output=output)
        case _:
            raise errors.BadRequest("job.points_nowhere", node=node, expression=expressions.written(expression))


def _output(value: object) -> NodeOutput:
    if isinstance(value, Output):
        return NodeOutput(file=value.type in FILE_TYPES, asset=value.name, version=value.version)
    return NodeOutput(file=False)


def _code(value: str | Uploaded | None) -> Uploaded | None:
    if value is None or isinstance(value, Uploaded):
        return value
    raise errors.BadRequest("job.code_not_uploaded", code=value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
