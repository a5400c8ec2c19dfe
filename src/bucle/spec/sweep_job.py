"""Owns the sweep: many trials of one command, each at another point of a space."""

from typing import Annotated, ClassVar, Literal

from pydantic import Tag

from bucle.spec.command_component import CommandComponent
from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import Distribution, EnvironmentVariables, QueueSettings, Resources
from bucle.spec.inputs import JobInputs, JobOutputs
from bucle.spec.job_fields import JobFile, NodeSection
from bucle.spec.scalars import Text
from bucle.spec.search_space import EarlyTermination, Objective, Sampling, SearchSpace, SweepLimits
from bucle.spec.section import ByForm, OrExpression, PathOrUploaded, Section

NOT_RUN = "sweeps are read and not yet run; run one trial as a command job with the values written in"


class Trial(Section):
    """The command of each trial; `${{search_space.NAME}}` stands for the value that is tried."""

    command: Text
    environment: EnvironmentField
    code: PathOrUploaded | None = None
    environment_variables: EnvironmentVariables | None = None
    resources: Resources | None = None
    distribution: Distribution | None = None
    queue_settings: QueueSettings | None = None


class SweepJob(JobFile):
    """A search for the best inputs of a command."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["sweep"]
    trial: Trial
    objective: Objective
    limits: SweepLimits
    search_space: SearchSpace | None = None
    sampling_algorithm: Sampling | None = None
    early_termination: EarlyTermination | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: Resources | None = None
    queue_settings: QueueSettings | None = None


TrialField = Annotated[Annotated[Text, Tag("<single>")] | Annotated[CommandComponent, Tag("<mapping>")], ByForm]


class NodeOfSweep(NodeSection):
    """A sweep in a pipeline, whose trial is a component."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["sweep"]
    trial: TrialField
    objective: Objective
    limits: SweepLimits
    search_space: SearchSpace | None = None
    sampling_algorithm: OrExpression[Sampling] | None = None
    early_termination: OrExpression[EarlyTermination] | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    resources: Resources | None = None
    queue_settings: QueueSettings | None = None
