"""Owns what no single field can say: names that must be declared elsewhere in the same document."""

from collections.abc import Iterator

from pydantic import BaseModel

from bucle import errors
from bucle.spec import data_transfer
from bucle.spec.command_component import CommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.control_flow import DoWhile, IfElse, ParallelFor
from bucle.spec.document import Document
from bucle.spec.expressions import Expression, InputOf, OutputOf, OutputOfStep, SearchSpace, expressions_of, parse
from bucle.spec.faults import Fault, FieldPath, nearest
from bucle.spec.inputs import Input, Output
from bucle.spec.online_deployment import OnlineDeployment
from bucle.spec.parallel import NodeOfParallel
from bucle.spec.pipeline_job import NodeOfCommand, NodeOfPipeline, Nodes, PipelineComponent, PipelineJob
from bucle.spec.platform import Platform
from bucle.spec.platform_names import faults_of_platform
from bucle.spec.spark import NodeOfSpark, SparkJob
from bucle.spec.sweep_job import NodeOfSweep, SweepJob


def faults_of(value: BaseModel, document: Document) -> list[Fault]:
    """Return the faults of names: expressions, stages and principals that stand for nothing declared."""
    match value:
        case CommandJob() | CommandComponent():
            return list(_of_command(value, document, ()))
        case PipelineJob() | PipelineComponent():
            return list(_of_pipeline(value, document, ()))
        case SweepJob():
            return list(_of_trial(value, document))
        case SparkJob():
            return list(_of_spark(value, document, ()))
        case OnlineDeployment() if value.instance_type is None and value.type != "kubernetes":
            return [document.fault(("instance_type",), "is required", at_key=True)]
        case Platform():
            return list(faults_of_platform(value, document))
        case _:
            return []


Runnable = CommandJob | CommandComponent | NodeOfCommand
Graph = PipelineJob | PipelineComponent | NodeOfPipeline
WithInputs = (
    NodeOfCommand | NodeOfPipeline | NodeOfSweep | NodeOfParallel | NodeOfSpark | data_transfer.NodeOfCopy | PipelineJob
)
SPARK_SIZES = ("spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory")
FIXED_SIZES = ("spark.executor.instances",)
DYNAMIC_SIZES = ("spark.dynamicAllocation.minExecutors", "spark.dynamicAllocation.maxExecutors")


def _of_command(value: Runnable, document: Document, at: FieldPath) -> Iterator[Fault]:
    """Check the expressions of a command against the inputs and outputs declared beside it."""
    inputs, outputs = set(value.inputs or {}), set(value.outputs or {})
    for expression, where, fault in _expressions(value.command or "", document, (*at, "command")):
        if fault is not None:
            yield fault
        elif isinstance(expression, InputOf) and not expression.of_parent:
            yield from _known(expression.name, inputs, "input", document, where)
        elif isinstance(expression, OutputOf) and not expression.of_parent:
            yield from _known(expression.name, outputs, "output", document, where)


def _of_pipeline(value: Graph, document: Document, at: FieldPath) -> Iterator[Fault]:
    """Check that nodes read inputs, outputs and steps that their pipeline has."""
    nodes = value.jobs or {}
    if isinstance(value, PipelineJob) and isinstance(value.component, PipelineComponent):
        yield from _of_required(value, value.component, document, at)
        yield from _of_pipeline(value.component, document, (*at, "component"))
    for name, node in nodes.items():
        where = (*at, "jobs", name)
        match node:
            case NodeOfCommand():
                yield from _of_bindings(node, value, nodes, document, where)
                yield from _of_command_node(node, document, where)
            case NodeOfPipeline(component=component):
                yield from _of_bindings(node, value, nodes, document, where)
                yield from _of_pipeline(node, document, where)
                if isinstance(component, PipelineComponent):
                    yield from _of_required(node, component, document, where)
                    yield from _of_pipeline(component, document, (*where, "component"))
            case NodeOfSweep() | NodeOfParallel() | NodeOfSpark() | data_transfer.NodeOfCopy():
                yield from _of_bindings(node, value, nodes, document, where)
                yield from _of_other_node(node, document, where)
            case DoWhile() | ParallelFor() | IfElse():
                yield from _of_control(node, nodes, document, where)
            case _:
                continue


def _of_command_node(node: NodeOfCommand, document: Document, at: FieldPath) -> Iterator[Fault]:
    if node.component is None:
        if node.command is None or node.environment is None:
            yield document.fault(at, "needs a component, or a command and an environment", at_key=True)
        yield from _of_command(node, document, at)
    elif isinstance(node.component, CommandComponent):
        yield from _of_required(node, node.component, document, at)
        yield from _of_command(node.component, document, (*at, "component"))


def _of_other_node(
    node: NodeOfSweep | NodeOfParallel | NodeOfSpark | data_transfer.NodeOfCopy, document: Document, at: FieldPath
) -> Iterator[Fault]:
    """Check a node that is read and not run: its component's inputs, and what it has instead of a component."""
    component = node.trial if isinstance(node, NodeOfSweep) else node.component
    if isinstance(component, BaseModel):
        yield from _of_required(node, component, document, at)
    match node:
        case NodeOfParallel(component=None, task=None):
            yield document.fault(at, "needs a component, or a task", at_key=True)
        case NodeOfSpark(component=None, entry=None):
            yield document.fault(at, "needs a component, or an entry", at_key=True)
        case NodeOfSpark(component=None):
            yield from _of_spark(node, document, at)
        case _:
            return


def _of_control(
    node: DoWhile | ParallelFor | IfElse, nodes: Nodes, document: Document, at: FieldPath
) -> Iterator[Fault]:
    """Check that the steps that are repeated or chosen are steps of the pipeline."""
    keys = ("true_block", "false_block") if isinstance(node, IfElse) else ("body",)
    for key in keys:
        written = getattr(node, key)
        for text in written if isinstance(written, list) else [written] if written else []:
            step = text.strip().removeprefix("${{").removesuffix("}}").strip().removeprefix("parent.jobs.")
            yield from _known(step, set(nodes), "step of the pipeline", document, (*at, key))


def _of_trial(value: SweepJob, document: Document) -> Iterator[Fault]:
    """Check the expressions of a trial's command against the inputs and the space that are declared beside it."""
    known = {
        InputOf: ("input", set(value.inputs or {})),
        SearchSpace: ("name of the search space", set(value.search_space or {})),
    }
    for expression, where, fault in _expressions(value.trial.command, document, ("trial", "command")):
        if fault is not None:
            yield fault
        elif isinstance(expression, InputOf | SearchSpace):
            what, declared = known[type(expression)]
            yield from _known(expression.name, declared, what, document, where)


def _of_spark(value: SparkJob | NodeOfSpark, document: Document, at: FieldPath) -> Iterator[Fault]:
    """Check what Spark is told of its size, and where it runs; its sizes may be expressions of a pipeline."""
    if value.compute is None and value.resources is None:
        yield document.fault((*at, "resources"), "is required, or a compute", at_key=True)
    conf = value.conf or {}
    dynamic = str(conf.get("spark.dynamicAllocation.enabled", "false")).lower() == "true"
    for key in (*SPARK_SIZES, *(DYNAMIC_SIZES if dynamic else FIXED_SIZES)):
        if conf.get(key) is None:
            yield document.fault((*at, "conf", key), "is required", at_key=True)


def _of_required(node: WithInputs, component: BaseModel, document: Document, at: FieldPath) -> Iterator[Fault]:
    for name, port in (getattr(component, "inputs", None) or {}).items():
        if not port.optional and port.default is None and name not in (node.inputs or {}):
            yield document.fault((*at, "inputs", name), "is an input that the component needs", at_key=True)


def _of_bindings(node: WithInputs, graph: Graph, nodes: Nodes, document: Document, at: FieldPath) -> Iterator[Fault]:
    for text, where in _bindings(node, at):
        for expression, place, fault in _expressions(text, document, where):
            if fault is not None:
                yield fault
            else:
                yield from _of_binding(expression, graph, nodes, document, place)


def _of_binding(
    expression: Expression | None, graph: Graph, nodes: Nodes, document: Document, at: FieldPath
) -> Iterator[Fault]:
    match expression:
        case InputOf(name=name, of_parent=True):
            yield from _known(name, set(graph.inputs or {}), "input of the pipeline", document, at)
        case OutputOf(name=name, of_parent=True):
            yield from _known(name, set(graph.outputs or {}), "output of the pipeline", document, at)
        case OutputOfStep(step=step, name=name):
            yield from _known(step, set(nodes), "step of the pipeline", document, at)
            declared = _outputs_of(nodes[step]) if step in nodes else None
            if declared is not None:
                yield from _known(name, declared, f"output of {step}", document, at)
        case _:
            return


def _outputs_of(node: object) -> set[str] | None:
    """Return the outputs a node is known to have; None when only its component could tell."""
    # Every node has an output `artifacts`, also called `default`: its artifact folder.
    always = {"artifacts", "default"}
    match node:
        case NodeOfCommand(component=None, outputs=outputs) | NodeOfPipeline(component=None, outputs=outputs):
            return set(outputs or {}) | always
        case NodeOfCommand(component=CommandComponent() as component, outputs=outputs):
            return set(component.outputs or {}) | set(outputs or {}) | always
        case _:
            return None


def _bindings(node: WithInputs, at: FieldPath) -> Iterator[tuple[str, FieldPath]]:
    for key, items in (("inputs", node.inputs or {}), ("outputs", node.outputs or {})):
        for name, item in items.items():
            if isinstance(item, str):
                yield item, (*at, key, name)
            elif isinstance(item, Input | Output) and isinstance(item.path, str):
                yield item.path, (*at, key, name, "path")


def _expressions(
    text: str, document: Document, at: FieldPath
) -> Iterator[tuple[Expression | None, FieldPath, Fault | None]]:
    try:
        for expression in expressions_of(parse(text)):
            yield expression, at, None
    except errors.BadRequest as error:
        yield None, at, document.fault(at, error.detail)


def _known(name: str, declared: set[str], what: str, document: Document, at: FieldPath) -> Iterator[Fault]:
    if name not in declared and name.partition(".")[0] not in declared:
        hint = nearest(name, declared) or " (none is declared)"
        yield document.fault(at, f"{name} is no {what}{hint}")
