"""Owns the command job."""

from typing import Literal

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import (
    Distribution,
    EnvironmentVariables,
    Identity,
    Limits,
    Properties,
    QueueSettings,
    Resources,
    Service,
    Tags,
)
from bucle.spec.inputs import JobInputs, JobOutputs
from bucle.spec.scalars import Name, Text
from bucle.spec.section import File, PathOrUploaded


class CommandJob(File):
    """One command in one environment."""

    command: Text
    environment: EnvironmentField
    type: Literal["command"] | None = None
    name: Name | None = None
    display_name: Text | None = None
    experiment_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Properties | None = None
    code: PathOrUploaded | None = None
    compute: Text | None = None
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    environment_variables: EnvironmentVariables | None = None
    resources: Resources | None = None
    distribution: Distribution | None = None
    limits: Limits | None = None
    identity: Identity | None = None
    services: dict[str, Service] | None = None
    queue_settings: QueueSettings | None = None
    parent_job_name: Text | None = None
