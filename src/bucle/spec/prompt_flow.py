"""Owns prompt flows: the graph of prompts and tools, and a run of it. Azure tolerates unknown keys in both."""

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import EnvironmentVariables, Tags
from bucle.spec.scalars import Anything, ComponentName, Flag, Text, TextAsWritten
from bucle.spec.section import OpenFile, Section

NOT_RUN = "prompt flows call models of language, which this platform does not host"


class FlowOverrides(Section):
    """What a flow says as a component."""

    environment: EnvironmentField | None = None
    is_deterministic: Flag | None = None


class PromptFlow(OpenFile):
    """A graph of prompts and tools."""

    azureml: FlowOverrides | None = None
    name: ComponentName | None = None
    version: TextAsWritten | None = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    environment_variables: EnvironmentVariables | None = None
    additional_includes: list[Text] | None = None
    nodes: Anything = None
    inputs: Anything = None
    outputs: Anything = None


class PromptFlowRun(OpenFile):
    """A flow over the rows of a table."""

    flow: Text | None = None
    azureml: FlowOverrides | None = None
    name: ComponentName | None = None
    version: TextAsWritten | None = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    variant: Text | None = None
    column_mappings: dict[str, Text] | None = None
    column_mapping: dict[str, Text] | None = None
    connections: dict[str, dict[str, Text]] | None = None
    environment_variables: EnvironmentVariables | None = None
    data: Anything = None
