"""Owns the pipeline: its job, its component, and the nodes of both."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Discriminator, StringConstraints, Tag

from bucle.spec import data_transfer
from bucle.spec.automl_job import NodeOfAutoml
from bucle.spec.command_component import CommandComponent
from bucle.spec.control_flow import DoWhile, IfElse, ParallelFor
from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import (
    Distribution,
    EnvironmentVariables,
    Limits,
    Properties,
    QueueSettings,
    Resources,
    Tags,
)
from bucle.spec.inputs import InputPorts, JobInputs, JobOutputs, Output, OutputPorts, PortName
from bucle.spec.job_fields import JobFile, NodeSection
from bucle.spec.parallel import NodeOfParallel
from bucle.spec.scalars import Anything, ComponentName, Flag, Text
from bucle.spec.section import OpenFile, OpenSection, PathOrUploaded, Section, form_of, type_of
from bucle.spec.spark import NodeOfSpark
from bucle.spec.sweep_job import NodeOfSweep

DefaultCompute = Annotated[Text, StringConstraints(pattern=r"^(azureml:.+|serverless|\$\{\{.+)$")]
DefaultDatastore = Annotated[Text, StringConstraints(pattern=r"^(azureml:.+|\$\{\{.+)$")]


class PipelineSettings(OpenSection):
    """The defaults of a pipeline's nodes. Azure tolerates unknown keys here."""

    default_compute: DefaultCompute | None = None
    default_datastore: DefaultDatastore | None = None
    continue_on_step_failure: Flag | None = None
    force_rerun: Flag | None = None


def form_of_component(value: object) -> str | None:
    """Return which kind of component stands in a node: a reference, a command or a pipeline."""
    form = form_of(value)
    if form != "<mapping>":
        return form
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "<pipeline>" if kind == "pipeline" else "<command>"


ComponentField = Annotated[
    Annotated[Text, Tag("<single>")]
    | Annotated[CommandComponent, Tag("<command>")]
    | Annotated["PipelineComponent", Tag("<pipeline>")],
    Discriminator(
        form_of_component, custom_error_type="form", custom_error_message="must be a reference or a component"
    ),
]


class NodeOfCommand(NodeSection):
    """A node that runs a command: a component's, or one written in place."""

    type: Literal["command"] | None = None
    component: ComponentField | None = None
    command: Text | None = None
    environment: EnvironmentField | None = None
    code: PathOrUploaded | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: Resources | None = None
    distribution: Distribution | None = None
    limits: Limits | None = None
    environment_variables: EnvironmentVariables | None = None
    queue_settings: QueueSettings | None = None


class NodeOfPipeline(Section):
    """A node that is a pipeline itself."""

    type: Literal["pipeline"]
    component: ComponentField | None = None
    jobs: "dict[PortName, Node] | None" = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    settings: PipelineSettings | None = None
    compute: Text | None = None
    display_name: Text | None = None
    description: Text | None = None
    comment: Text | None = None
    tags: Tags | None = None
    properties: Properties | None = None


class NodeOfOldImport(NodeSection):
    """Data taken from elsewhere, as the first versions of the format wrote it."""

    not_run: ClassVar[str | None] = data_transfer.NOT_RUN

    type: Literal["import"]
    component: Text | None = None
    source: Anything = None
    output: Output | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None


def form_of_node(value: object) -> str | None:
    """Return the form of a node by its type; a node without one runs a command."""
    is_mapping = isinstance(value, dict | BaseModel)
    return type_of(value) or ("<command>" if is_mapping and _untyped(value) else None)


def _untyped(value: object) -> bool:
    return "type" not in value if isinstance(value, dict) else getattr(value, "type", None) is None


Node = Annotated[
    Annotated[NodeOfCommand, Tag("<command>")]
    | Annotated[NodeOfPipeline, Tag("<pipeline>")]
    | Annotated[NodeOfSweep, Tag("<sweep>")]
    | Annotated[NodeOfParallel, Tag("<parallel>")]
    | Annotated[NodeOfSpark, Tag("<spark>")]
    | Annotated[NodeOfAutoml, Tag("<automl>")]
    | Annotated[data_transfer.NodeOfTransfer, Tag("<data_transfer>")]
    | Annotated[NodeOfOldImport, Tag("<import>")]
    | Annotated[DoWhile, Tag("<do_while>")]
    | Annotated[ParallelFor, Tag("<parallel_for>")]
    | Annotated[IfElse, Tag("<if_else>")],
    Discriminator(
        form_of_node,
        custom_error_type="node",
        custom_error_message="must be a node of the type command, pipeline, sweep, parallel, spark, automl, "
        "data_transfer, do_while, parallel_for or if_else",
    ),
]
Nodes = dict[PortName, Node]


class PipelineJob(JobFile):
    """A graph of nodes."""

    type: Literal["pipeline"]
    jobs: Nodes | None = None
    component: ComponentField | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    settings: PipelineSettings | None = None


class PipelineComponent(OpenFile):
    """A graph of nodes with declared inputs and outputs, in a pipeline. Azure tolerates unknown keys here."""

    name: Text | None = None
    type: Literal["pipeline"]
    jobs: Nodes | None = None
    version: Anything = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Anything = None
    inputs: InputPorts | None = None
    outputs: OutputPorts | None = None
    settings: PipelineSettings | None = None
    is_deterministic: Flag | None = None


class NamedPipelineComponent(PipelineComponent):
    """A component asset, whose name has a form of its own."""

    name: ComponentName
