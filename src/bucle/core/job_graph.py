"""The graph of a job: its nodes, those of pipelines within pipelines too, each input followed to where it leads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bucle import errors
from bucle.core.job_limits import limits_of
from bucle.core.job_node import (
    COLLECTED,
    FILE_TYPES,
    ONLY_NODE,
    FromStep,
    Node,
    NodeInput,
    NodeOutput,
    code_of,
    literal,
    outer_input,
    output_of,
)
from bucle.spec import expressions
from bucle.spec.command_component import CommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.expressions import InputOf, OutputOf, OutputOfStep
from bucle.spec.inputs import Input, InputPorts, JobInputs, JobOutputs, OutputPorts
from bucle.spec.pipeline_job import NodeOfCommand, NodeOfPipeline, PipelineComponent, PipelineJob

Component = CommandComponent | PipelineComponent
ComponentOf = Callable[[str], Component]
"""Finds a registered component by its reference; raises NotFound."""
DEEPEST = 16
"""Pipelines within pipelines; a component that holds itself would never end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pipeline:
    """A pipeline to be laid out: its nodes, what it is given, and where it stands ("" for the job itself)."""

    nodes: Mapping[str, object]
    component_of: ComponentOf
    inputs: Mapping[str, NodeInput] = field(default_factory=dict)
    outputs: Mapping[str, NodeOutput] = field(default_factory=dict)
    at: str = ""
    depth: int = 0

    def path_of(self, name: str) -> str:
        """Return the name of a node in the whole job."""
        return f"{self.at}.{name}" if self.at else name

    def component(self, name: str) -> Component | None:
        """Return the component of a node, found where it is registered; None when it is written in place."""
        written = getattr(self.nodes[name], "component", None)
        return None if written is None else _component(written, self.component_of)

    def within(self, name: str) -> "_Pipeline | None":
        """Return the pipeline within a node, given nothing yet; None for a command."""
        node, component = self.nodes[name], self.component(name)
        if not isinstance(node, NodeOfPipeline) and not isinstance(component, PipelineComponent):
            return None
        assert not isinstance(component, CommandComponent), "a pipeline node holds a pipeline"
        nodes = (node.jobs if isinstance(node, NodeOfPipeline) else None) or (component.jobs if component else None)
        if not nodes:
            raise errors.BadRequest("job.no_nodes")
        if self.depth >= DEEPEST:
            raise errors.BadRequest("job.too_deep", node=self.path_of(name), most=DEEPEST)
        return _Pipeline(nodes=nodes, component_of=self.component_of, at=self.path_of(name), depth=self.depth + 1)


def nodes_of(job: CommandJob | PipelineJob, component_of: ComponentOf) -> tuple[Node, ...]:
    """Return the nodes of a job, those of pipelines within it by their path (`outer.inner`).

    BadRequest for what is not run here or points at nothing, NotFound for a component that is not registered.
    """
    if isinstance(job, CommandJob):
        return (_of_command(job),)
    component = job.component if job.component is None else _component(job.component, component_of)
    if isinstance(component, CommandComponent):
        raise errors.BadRequest("job.no_nodes")
    nodes = job.jobs or (component.jobs if component else None)
    if not nodes:
        raise errors.BadRequest("job.no_nodes")
    defaults = {} if component is None else _defaults(component.inputs or {})
    given = {name: outer_input(value) for name, value in (job.inputs or {}).items()}
    outputs = {name: output_of(value) for name, value in (job.outputs or {}).items()}
    whole = _Pipeline(nodes=nodes, component_of=component_of, inputs={**defaults, **given}, outputs=outputs)
    found = tuple(_laid_out(whole))
    return tuple(_with_artifacts(node, found) for node in found)


def _of_command(job: CommandJob) -> Node:
    return Node(
        name=ONLY_NODE,
        command=job.command,
        code=code_of(job.code),
        environment=job.environment,
        inputs={name: outer_input(value) for name, value in (job.inputs or {}).items()},
        outputs={name: output_of(value) for name, value in (job.outputs or {}).items()},
        variables=job.environment_variables or {},
        timeout_s=job.limits.timeout if job.limits and job.limits.timeout else None,
        limits=limits_of(job.resources),
    )


def _laid_out(pipeline: _Pipeline) -> Iterator[Node]:
    for name, node in pipeline.nodes.items():
        if not isinstance(node, NodeOfCommand | NodeOfPipeline):
            raise errors.BadRequest("job.node_not_run", node=pipeline.path_of(name), type=getattr(node, "type", None))
        given = _given(pipeline, name, node.inputs or {})
        within = pipeline.within(name)
        if within is None:
            assert isinstance(node, NodeOfCommand), "a pipeline node holds a pipeline"
            yield _command_node(pipeline, name, node, given)
        else:
            yield from _laid_out(_filled(pipeline, name, node, within, given))


def _filled(
    pipeline: _Pipeline,
    name: str,
    node: NodeOfCommand | NodeOfPipeline,
    within: _Pipeline,
    given: Mapping[str, NodeInput],
) -> _Pipeline:
    """Return the pipeline within a node, with what the node gives it."""
    component = pipeline.component(name)
    ports = (component.inputs or {}) if component else {}
    declared = _declared((component.outputs or {}) if component else {})
    inputs = {**_defaults(ports), **given}
    _refuse_unset(within.at, ports, inputs)
    return replace(
        within, inputs=inputs, outputs={**declared, **_outputs(pipeline, name, node.outputs or {}, declared)}
    )


def _command_node(
    pipeline: _Pipeline,
    name: str,
    node: NodeOfCommand,
    given: Mapping[str, NodeInput],
) -> Node:
    path, component = pipeline.path_of(name), pipeline.component(name)
    if isinstance(component, CommandComponent):
        ports, outputs = component.inputs or {}, _declared(component.outputs or {})
        command, code, environment = component.command, component.code, node.environment or component.environment
        variables = {**(component.environment_variables or {}), **(node.environment_variables or {})}
        limits, resources = node.limits or component.limits, node.resources or component.resources
    elif node.command is not None and node.environment is not None:
        ports, outputs = {}, {}
        command, code, environment = node.command, node.code, node.environment
        variables, limits, resources = node.environment_variables or {}, node.limits, node.resources
    else:
        raise errors.BadRequest("job.node_incomplete", node=path)
    inputs = {**_defaults(ports), **given}
    _refuse_unset(path, ports, inputs)
    return Node(
        name=path,
        command=command,
        code=code_of(code),
        environment=environment,
        inputs=inputs,
        outputs={**outputs, **_outputs(pipeline, name, node.outputs or {}, outputs)},
        variables=variables,
        timeout_s=limits.timeout if limits and limits.timeout else None,
        limits=limits_of(resources),
    )


def _given(pipeline: _Pipeline, name: str, inputs: JobInputs) -> Mapping[str, NodeInput]:
    """Return what a node is given, each expression followed to where it leads."""
    return {port: _input(pipeline, name, value) for port, value in inputs.items()}


def _input(pipeline: _Pipeline, name: str, value: object) -> NodeInput:
    written = value.path if isinstance(value, Input) else value
    expression = expressions.only_expression(written) if isinstance(written, str) and "${{" in written else None
    match expression:
        case None:
            return outer_input(value)
        case InputOf(name=port, of_parent=True) if port in pipeline.inputs:
            return pipeline.inputs[port]
        case OutputOfStep(step=step, name=output) if step in pipeline.nodes and step != name:
            made = _maker(pipeline, step, output)
            if made is not None:
                return made
    raise errors.BadRequest(
        "job.points_nowhere", node=pipeline.path_of(name), expression=expressions.written(expression)
    )


def _maker(pipeline: _Pipeline, step: str, output: str) -> FromStep | None:
    """Return which node makes an output of a node: itself, or, of a pipeline, the one that is bound to it."""
    within = pipeline.within(step)
    if within is None:
        return FromStep(step=pipeline.path_of(step), output=output)
    for name, node in within.nodes.items():
        for port, value in (getattr(node, "outputs", None) or {}).items():
            if _bound_to(value) == output:
                return _maker(within, name, port)
    return None


def _outputs(
    pipeline: _Pipeline, name: str, outputs: JobOutputs, declared: Mapping[str, NodeOutput]
) -> Mapping[str, NodeOutput]:
    """Return what a node declares of its outputs; one that is bound to the pipeline's is what the pipeline says."""
    found = {}
    for port, value in outputs.items():
        bound = _bound_to(value)
        file = port in declared and declared[port].file
        if bound is None:
            found[port] = output_of(value, file=file)
        elif bound in pipeline.outputs:
            found[port] = replace(pipeline.outputs[bound], file=pipeline.outputs[bound].file or file)
        elif pipeline.at:  # a pipeline within, whose output nobody outside has asked for
            found[port] = NodeOutput(file=file)
        else:
            expression = f"${{{{parent.outputs.{bound}}}}}"
            raise errors.BadRequest("job.points_nowhere", node=pipeline.path_of(name), expression=expression)
    return found


def _bound_to(value: object) -> str | None:
    """Return the output of the pipeline that a node's output is, if it is one."""
    written = value if isinstance(value, str) else getattr(value, "path", None)
    match expressions.only_expression(written) if isinstance(written, str) and "${{" in written else None:
        case OutputOf(name=output, of_parent=True):
            return output
        case _:
            return None


def _with_artifacts(node: Node, nodes: tuple[Node, ...]) -> Node:
    """Return the node with its `./outputs` declared under the name by which another node reads them."""
    read = {
        given.output
        for one in nodes
        for given in one.inputs.values()
        if isinstance(given, FromStep) and given.step == node.name and given.output in COLLECTED
    }
    missing = {name: NodeOutput(file=False) for name in sorted(read) if name not in node.outputs}
    return replace(node, outputs={**node.outputs, **missing}) if missing else node


def _component(component: object, component_of: ComponentOf) -> Component:
    if isinstance(component, str):
        return component_of(component)
    if not isinstance(component, CommandComponent | PipelineComponent):
        raise errors.BadRequest("job.node_not_run", node="component", type=getattr(component, "type", None))
    return component


def _declared(ports: OutputPorts) -> dict[str, NodeOutput]:
    return {port: NodeOutput(file=row.type in FILE_TYPES) for port, row in ports.items()}


def _defaults(ports: InputPorts) -> dict[str, NodeInput]:
    return {port: literal(row.default) for port, row in ports.items()}


def _refuse_unset(node: str, ports: InputPorts, inputs: Mapping[str, NodeInput]) -> None:
    for port, row in ports.items():
        if row.default is None and not row.optional and inputs[port] == literal(None):
            raise errors.BadRequest("job.input_missing", node=node, input=port)
