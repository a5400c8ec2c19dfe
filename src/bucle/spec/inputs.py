"""Owns the inputs and outputs of jobs and components."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Tag
from pydantic_core import PydanticCustomError

from bucle.spec.scalars import Flag, Name, Number, Single, Text, TextAsWritten
from bucle.spec.section import ByForm, PathOrUploaded, Section


def _as_binding(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith("${{"):
        return value
    raise PydanticCustomError("binding", "must be a mapping, or ${{{{parent.outputs.NAME}}}}")


DataType = Literal["uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model"]
InputMode = Literal["download", "ro_mount", "rw_mount", "direct", "eval_mount", "eval_download"]
OutputMode = Literal["mount", "rw_mount", "upload", "direct"]
ParameterType = Literal["string", "number", "integer", "boolean"]
PortType = Literal[DataType, ParameterType]


class Input(Section):
    """Data or a model that a job reads."""

    path: PathOrUploaded
    type: DataType | None = None
    mode: InputMode | None = None
    description: Text | None = None


class Output(Section):
    """Data or a model that a job writes; `name` and `version` register it."""

    type: DataType | None = None
    path: Text | None = None
    mode: OutputMode | None = None
    name: Name | None = None
    version: TextAsWritten | None = None
    description: Text | None = None


class InputPort(Section):
    """What a component reads, declared."""

    type: PortType
    description: Text | None = None
    default: Single | None = None
    optional: Flag | None = None
    min: Number | None = None
    max: Number | None = None
    enum: list[Single] | None = None
    mode: InputMode | None = None
    path: Text | None = None


class OutputPort(Section):
    """What a component writes, declared."""

    type: PortType
    description: Text | None = None
    mode: OutputMode | None = None


Binding = Annotated[str, BeforeValidator(_as_binding)]
"""`${{parent.outputs.NAME}}`: an output that the pipeline names."""
PortName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
JobInput = Annotated[Annotated[Single, Tag("<single>")] | Annotated[Input, Tag("<mapping>")], ByForm]
JobOutput = Annotated[Annotated[Binding, Tag("<single>")] | Annotated[Output, Tag("<mapping>")], ByForm]
JobInputs = dict[PortName, JobInput]
JobOutputs = dict[PortName, JobOutput | None]
InputPorts = dict[PortName, InputPort]
OutputPorts = dict[PortName, OutputPort]
