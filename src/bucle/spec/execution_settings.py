"""Owns what a job says about how it runs: resources, distribution, limits, identity, services."""

from typing import Annotated, Literal

from pydantic import Field

from bucle.spec.scalars import AnyHump, Anything, Count, Flag, TagAsWritten, TagText, Text, TextAsWritten, Whole
from bucle.spec.section import OrExpression, Section


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


class RayDistribution(Section):
    """A Ray cluster for the time of the job."""

    type: Literal["ray"]
    port: Whole | None = None
    address: Text | None = None
    include_dashboard: Flag | None = None
    dashboard_port: Whole | None = None
    head_node_additional_args: Text | None = None
    worker_node_additional_args: Text | None = None


Distribution = Annotated[
    MpiDistribution | TensorFlowDistribution | PyTorchDistribution | RayDistribution,
    Field(discriminator="type"),
]


class Limits(Section):
    """How long a job may run, in seconds."""

    timeout: Count | None = None


class Identity(Section):
    """Who the job is towards data; the ids are of a managed identity."""

    type: Annotated[Literal["managed", "managed_identity", "aml_token", "user_identity"], AnyHump]
    client_id: Text | None = None
    object_id: Text | None = None
    msi_resource_id: Text | None = None


class QueueSettings(Section):
    """The tier of a serverless queue."""

    job_tier: OrExpression[Annotated[Literal["spot", "basic", "standard", "premium", "null"], AnyHump]] | None = None
    priority: OrExpression[Annotated[Literal["low", "medium", "high"], AnyHump]] | None = None


class Service(Section):
    """A service opened beside a job; keys are those of a shell, the folder that of a board."""

    type: Text | None = None
    port: Whole | None = None
    nodes: Annotated[Literal["all"], AnyHump] | None = None
    properties: Anything = None
    ssh_public_keys: Text | None = None
    log_dir: Text | None = None


EnvironmentVariables = dict[str, TextAsWritten]
Tags = dict[str, TagText]
AssetTags = dict[str, TagAsWritten]
"""As `Tags`, of what is no job: a number is read as it was written."""
Properties = dict[str, TagText]
