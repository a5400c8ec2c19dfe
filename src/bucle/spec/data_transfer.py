"""Owns the data-transfer steps: data copied within the platform, taken from a database or sent to one."""

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Tag

from bucle.spec.execution_settings import Tags
from bucle.spec.inputs import InputPorts, JobInputs, JobOutputs, OutputPorts
from bucle.spec.job_fields import NodeSection
from bucle.spec.scalars import AnyCase, Anything, ComponentName, Flag, Text, TextAsWritten
from bucle.spec.section import ByForm, ByType, File, OrExpression, Section, task_of

NOT_RUN = "no database of another cloud is reached from here; read or write it in a command job"
CopyMode = Annotated[Literal["merge_with_overwrite", "fail_if_conflict"], AnyCase]


class StoredProcedureParameter(Section):
    """One argument of a stored procedure."""

    name: Text | None = None
    value: Text | None = None
    type: Text | None = None


class Database(Section):
    """A query or a stored procedure of a database."""

    type: Literal["database"]
    table_name: Text | None = None
    query: Text | None = None
    stored_procedure: Text | None = None
    stored_procedure_params: list[StoredProcedureParameter] | None = None
    connection: Text | None = None


class FileSystem(Section):
    """A folder of another cloud."""

    type: Literal["file_system"]
    path: Text | None = None
    connection: Text | None = None


Place = OrExpression[
    Annotated[Annotated[Database, Tag("<database>")] | Annotated[FileSystem, Tag("<file_system>")], ByType]
]


class CopyComponent(File):
    """A copy of data, inside a pipeline."""

    type: Literal["data_transfer"]
    task: Literal["copy_data"]
    name: Text | None = None
    version: TextAsWritten | None = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Anything = None
    is_deterministic: Flag | None = None
    data_copy_mode: CopyMode | None = None
    inputs: InputPorts | None = None
    outputs: OutputPorts | None = None


class NamedCopyComponent(CopyComponent):
    """A component asset, whose name has a form of its own."""

    name: ComponentName


class NodeOfCopy(NodeSection):
    """A copy of data."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["data_transfer"]
    task: Annotated[Literal["copy_data"], AnyCase]
    component: (
        Annotated[Annotated[Text, Tag("<single>")] | Annotated[CopyComponent, Tag("<mapping>")], ByForm] | None
    ) = None
    data_copy_mode: CopyMode | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None


class NodeOfImport(NodeSection):
    """Data taken from a database or another cloud."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["data_transfer"]
    task: Annotated[Literal["import_data"], AnyCase]
    source: Place
    component: Text | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None


class NodeOfExport(NodeSection):
    """Data sent to a database or another cloud."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["data_transfer"]
    task: Annotated[Literal["export_data"], AnyCase]
    sink: Place
    component: Text | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None


NodeOfTransfer = Annotated[
    Annotated[NodeOfCopy, Tag("<copy_data>")]
    | Annotated[NodeOfImport, Tag("<import_data>")]
    | Annotated[NodeOfExport, Tag("<export_data>")],
    Discriminator(
        task_of,
        custom_error_type="task",
        custom_error_message="must have the task copy_data, import_data or export_data",
    ),
]
