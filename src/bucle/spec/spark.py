"""Owns Spark: its job, its component, and its node."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Discriminator, StringConstraints, Tag

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import Tags
from bucle.spec.inputs import InputPorts, JobInputs, JobOutputs, OutputPorts
from bucle.spec.job_fields import JobFile, NodeSection
from bucle.spec.scalars import Anything, ComponentName, Flag, Text, TextAsWritten
from bucle.spec.section import ByForm, OpenFile, OrExpression, PathOrUploaded, Section

NOT_RUN = "Spark needs a Java runtime, which this platform does not have; read the data with pandas in a command job"


class EntryFile(Section):
    """The Python file that is started."""

    file: Text


class EntryClass(Section):
    """The class of a jar that is started."""

    class_name: Text


def form_of_entry(value: object) -> str:
    """Return whether a file or a class is started."""
    is_class = isinstance(value, EntryClass) or (isinstance(value, dict) and "class_name" in value)
    return "<class>" if is_class else "<file>"


Entry = Annotated[
    Annotated[EntryFile, Tag("<file>")] | Annotated[EntryClass, Tag("<class>")], Discriminator(form_of_entry)
]


SparkVersion = Annotated[TextAsWritten, StringConstraints(pattern=r"^(\d+(\.\d+)*|\$\{\{.*\}\})$")]


class SparkResources(Section):
    """The machine of a serverless Spark, and its version."""

    instance_type: Text
    runtime_version: SparkVersion


class SparkProgram(BaseModel):
    """The fields that the job, the component and the node share."""

    code: PathOrUploaded | None = None
    py_files: list[Text] | None = None
    jars: list[Text] | None = None
    files: list[Text] | None = None
    archives: list[Text] | None = None
    conf: dict[str, Anything] | None = None
    environment: EnvironmentField | None = None
    args: Text | None = None


class SparkJob(JobFile, SparkProgram):
    """One Spark application."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["spark"]
    entry: Entry
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: SparkResources | None = None
    properties: Anything = None


class SparkComponent(OpenFile, SparkProgram):
    """A Spark application inside a pipeline. Azure tolerates unknown keys here."""

    type: Literal["spark"]
    entry: Entry
    name: Text | None = None
    version: Anything = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Anything = None
    is_deterministic: Flag | None = None
    additional_includes: list[Text] | None = None
    inputs: InputPorts | None = None
    outputs: OutputPorts | None = None


class NamedSparkComponent(SparkComponent):
    """A component asset, whose name has a form of its own."""

    name: ComponentName


SparkComponentField = Annotated[Annotated[Text, Tag("<single>")] | Annotated[SparkComponent, Tag("<mapping>")], ByForm]


class NodeOfSpark(NodeSection, SparkProgram):
    """A Spark application of a pipeline: a component's, or one written in place."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["spark"]
    component: SparkComponentField | None = None
    entry: OrExpression[Entry] | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: SparkResources | None = None
