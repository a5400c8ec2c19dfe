"""Owns the components: steps that pipelines reuse."""

from typing import Annotated, Literal

from pydantic import Tag

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import Distribution, EnvironmentVariables, Limits, Resources, Tags
from bucle.spec.inputs import InputPorts, OutputPorts
from bucle.spec.scalars import Anything, ComponentName, Flag, Text
from bucle.spec.section import ByForm, OpenFile, PathOrUploaded, Uploaded

Include = Annotated[Annotated[Text, Tag("<single>")] | Annotated[Uploaded, Tag("<mapping>")], ByForm]


class CommandComponent(OpenFile):
    """A command with declared inputs and outputs, inside a pipeline. Azure tolerates unknown keys here."""

    name: Text | None = None
    command: Text
    environment: EnvironmentField
    type: Literal["command"] | None = None
    version: Anything = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Anything = None
    code: PathOrUploaded | None = None
    additional_includes: list[Include] | None = None
    inputs: InputPorts | None = None
    outputs: OutputPorts | None = None
    resources: Resources | None = None
    distribution: Distribution | None = None
    limits: Limits | None = None
    environment_variables: EnvironmentVariables | None = None
    is_deterministic: Flag | None = None


class NamedCommandComponent(CommandComponent):
    """A component asset, whose name has a form of its own."""

    name: ComponentName
