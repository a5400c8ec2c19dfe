"""Owns the parallel step: one function over the mini-batches of its data."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints, Tag

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import EnvironmentVariables, Properties, Resources, Tags
from bucle.spec.inputs import InputPorts, JobInputs, JobOutputs, OutputPorts
from bucle.spec.job_fields import NodeSection
from bucle.spec.scalars import AnyCase, Anything, ComponentName, Flag, Text, Whole
from bucle.spec.section import ByForm, File, OrExpression, PathOrUploaded, Section

NOT_RUN = "parallel steps are read and not yet run; let one command loop over its files"
LoggingLevel = Annotated[Literal["debug", "info", "warning"], AnyCase]


BatchSize = Annotated[Text, StringConstraints(pattern=r"(?i)^\s*(\d+\s*([kmg]b)?|\$\{\{.*\}\})\s*$")]
"""A number of files or rows, or an amount: `10kb`."""


class RetrySettings(Section):
    """How often a mini-batch is tried again, and after how many seconds it counts as lost."""

    timeout: OrExpression[Whole] | None = None
    max_retries: OrExpression[Whole] | None = None


class ParallelTask(Section):
    """The script whose `run(mini_batch)` is called."""

    type: Annotated[Literal["run_function", "model", "function"], AnyCase]
    environment: EnvironmentField
    code: PathOrUploaded | None = None
    entry_script: Text | None = None
    program_arguments: Text | None = None
    model: Text | None = None
    append_row_to: Text | None = None


class ParallelComponent(File):
    """A parallel step inside a pipeline."""

    type: Literal["parallel"]
    name: Text | None = None
    version: Anything = None
    display_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Properties | None = None
    is_deterministic: Flag | None = None
    inputs: InputPorts | None = None
    outputs: OutputPorts | None = None
    resources: Resources | None = None
    logging_level: LoggingLevel | None = None
    task: ParallelTask | None = None
    mini_batch_size: BatchSize | None = None
    partition_keys: list[Text] | None = None
    input_data: Text | None = None
    retry_settings: RetrySettings | None = None
    max_concurrency_per_instance: Whole | None = None
    error_threshold: Whole | None = None
    mini_batch_error_threshold: Whole | None = None
    environment_variables: EnvironmentVariables | None = None


class NamedParallelComponent(ParallelComponent):
    """A component asset, whose name has a form of its own."""

    name: ComponentName


ParallelComponentField = Annotated[
    Annotated[Text, Tag("<single>")] | Annotated[ParallelComponent, Tag("<mapping>")], ByForm
]


class NodeOfParallel(NodeSection):
    """A parallel step of a pipeline: a component's, or one written in place."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["parallel"]
    component: ParallelComponentField | None = None
    task: ParallelTask | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: Resources | None = None
    logging_level: OrExpression[LoggingLevel] | None = None
    mini_batch_size: BatchSize | None = None
    partition_keys: list[Text] | None = None
    input_data: Text | None = None
    retry_settings: RetrySettings | None = None
    max_concurrency_per_instance: OrExpression[Whole] | None = None
    error_threshold: OrExpression[Whole] | None = None
    mini_batch_error_threshold: OrExpression[Whole] | None = None
    environment_variables: EnvironmentVariables | None = None
    environment: EnvironmentField | None = None
