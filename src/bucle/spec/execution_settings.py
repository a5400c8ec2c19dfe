"""Owns what a job says about how it runs: resources, distribution, limits, identity, services."""

from typing import Annotated, Literal

from pydantic import Field

from bucle.spec.scalars import Anything, Count, Single, TagText, Text, TextAsWritten, Whole
from bucle.spec.section import OpenSection, Section


class Resources(Section):
    """The machines a job asks for."""

    instance_type: Text | None = None
    instance_count: Count | None = None
    shm_size: Text | None = None
    docker_args: Text | None = None
    locations: list[Text] | None = None
    max_instance_count: Count | None = None
    properties: Anything = None


class MpiDistribution(Section):
    """MPI."""

    type: Literal["mpi"]
    process_count_per_instance: Count | None = None


class TensorFlowDistribution(Section):
    """TensorFlow workers and parameter servers."""

    type: Literal["tensorflow"]
    worker_count: Count | None = None
    parameter_server_count: Whole | None = None


class PyTorchDistribution(Section):
    """One process for each device."""

    type: Literal["pytorch"]
    process_count_per_instance: Count | None = None


class RayDistribution(OpenSection):
    """A Ray cluster for the time of the job."""

    type: Literal["ray"]


Distribution = Annotated[
    MpiDistribution | TensorFlowDistribution | PyTorchDistribution | RayDistribution,
    Field(discriminator="type"),
]


class Limits(Section):
    """How long a job may run, in seconds."""

    timeout: Count | None = None


class Identity(OpenSection):
    """Who the job is towards data."""

    type: Literal["managed", "managed_identity", "aml_token", "user_identity", "user"]


class QueueSettings(Section):
    """The tier of a serverless queue."""

    job_tier: Text | None = None
    priority: Text | None = None


class Service(OpenSection):
    """A service opened beside a job."""

    type: Text | None = None
    job_service_type: Text | None = None


EnvironmentVariables = dict[str, TextAsWritten]
Tags = dict[str, TagText]
Properties = dict[str, Single]
