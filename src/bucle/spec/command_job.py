"""Owns the command job."""

from typing import Literal

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import (
    Distribution,
    EnvironmentVariables,
    Limits,
    QueueSettings,
    Resources,
)
from bucle.spec.inputs import JobInputs, JobOutputs
from bucle.spec.job_fields import JobFile
from bucle.spec.scalars import Text
from bucle.spec.section import PathOrUploaded


class CommandJob(JobFile):
    """One command in one environment."""

    command: Text
    environment: EnvironmentField
    type: Literal["command"] | None = None
    code: PathOrUploaded | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    environment_variables: EnvironmentVariables | None = None
    resources: Resources | None = None
    distribution: Distribution | None = None
    limits: Limits | None = None
    queue_settings: QueueSettings | None = None
    parent_job_name: Text | None = None
