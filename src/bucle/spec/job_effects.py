"""Owns the table of the fields of jobs, components and what stands in them: what becomes of each."""

from collections.abc import Mapping

from pydantic import BaseModel

from bucle.spec.command_component import CommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.environment import Build, InferenceConfig, InlineEnvironment, Route
from bucle.spec.execution_settings import (
    Identity,
    Limits,
    MpiDistribution,
    PyTorchDistribution,
    QueueSettings,
    RayDistribution,
    Resources,
    Service,
    TensorFlowDistribution,
)
from bucle.spec.field_effect import KEPT, ONE_MACHINE, SCHEMA, Rows, honoured, ignored, mapped, refused
from bucle.spec.inputs import Input, InputPort, Output, OutputPort
from bucle.spec.pipeline_job import NodeOfCommand, NodeOfPipeline, PipelineComponent, PipelineJob, PipelineSettings
from bucle.spec.section import File, OpenFile, Uploaded

_OWN_IDENTITY = "a job acts with a token of its own, never with another identity"
_NO_SERVICES = "nothing is opened beside a job"
_NO_QUEUE = "there is one queue, in the order of submission"
_PROPERTIES = "kept; `bucle.python: exact` takes no other interpreter than the environment asks for"
_ONE_PROCESS = "one process is started; a script that reads RANK or WORLD_SIZE finds neither"
_NO_CONTAINER = "no container answers here; the release's own server does"
_SETTINGS_OF_THE_JOB = "the settings of the whole job hold for every step"
_NO_BUILD = "no container is built here; name the packages in a conda file"
_LINKED = "data is linked read-only, or downloaded where it must be; the script finds a path either way"
_KEPT_AT_THE_END = "the script writes to a path, which is kept when it ends"
_CACHE = "steps are run each time; results are not taken from earlier jobs yet"

JOBS: Mapping[type[BaseModel], Rows] = {
    File: SCHEMA,
    OpenFile: SCHEMA,
    Uploaded: honoured("digest origin kind"),
    CommandJob: {
        **honoured("command environment type name display_name experiment_name tags code inputs outputs"),
        **honoured("environment_variables limits resources"),
        **mapped("compute", ONE_MACHINE),
        **ignored("description parent_job_name", KEPT),
        **mapped("properties", _PROPERTIES),
        **ignored("distribution", _ONE_PROCESS),
        **ignored("identity", _OWN_IDENTITY),
        **ignored("services", _NO_SERVICES),
        **ignored("queue_settings", _NO_QUEUE),
    },
    PipelineJob: {
        **honoured("type jobs component name display_name experiment_name tags inputs outputs settings"),
        **mapped("compute", ONE_MACHINE),
        **ignored("description", KEPT),
        **mapped("properties", _PROPERTIES),
        **ignored("identity", _OWN_IDENTITY),
        **ignored("services", _NO_SERVICES),
    },
    PipelineSettings: {
        **honoured("continue_on_step_failure"),
        **mapped("default_compute", ONE_MACHINE),
        **mapped("default_datastore", "outputs lie in the datastore of the stage"),
        **ignored("force_rerun", _CACHE),
    },
    NodeOfCommand: {
        **honoured("type component command environment code inputs outputs environment_variables limits resources"),
        **mapped("compute", ONE_MACHINE),
        **ignored("name display_name experiment_name description comment tags properties", KEPT),
        **ignored("distribution", _ONE_PROCESS),
        **ignored("identity", _OWN_IDENTITY),
        **ignored("services", _NO_SERVICES),
        **ignored("queue_settings", _NO_QUEUE),
    },
    NodeOfPipeline: {
        **honoured("type component jobs inputs outputs"),
        **mapped("compute", ONE_MACHINE),
        **ignored("settings", _SETTINGS_OF_THE_JOB),
        **ignored("display_name description comment tags properties", KEPT),
    },
    CommandComponent: {
        **honoured("type command environment code inputs outputs environment_variables limits resources"),
        **ignored("name version display_name description tags properties", KEPT),
        **ignored("is_deterministic", _CACHE),
        **ignored("additional_includes", "the files are uploaded, and not laid beside the code yet"),
        **ignored("distribution", _ONE_PROCESS),
    },
    PipelineComponent: {
        **honoured("type jobs inputs outputs"),
        **ignored("name version display_name description tags properties", KEPT),
        **ignored("settings", _SETTINGS_OF_THE_JOB),
        **ignored("is_deterministic", _CACHE),
    },
    Input: {
        **honoured("path type"),
        **mapped("mode", _LINKED),
        **ignored("description", KEPT),
    },
    Output: {
        **honoured("type path"),
        **ignored("name version", "an output is read as azureml://jobs/JOB/outputs/NAME; no asset is made of it yet"),
        **mapped("mode", _KEPT_AT_THE_END),
        **ignored("description", KEPT),
    },
    InputPort: {
        **honoured("type default optional"),
        **ignored("min max enum", "checked by Azure's editor alone, as by its own command line"),
        **mapped("mode", _LINKED),
        **ignored("description path", KEPT),
    },
    OutputPort: {
        **honoured("type"),
        **mapped("mode", _KEPT_AT_THE_END),
        **ignored("description", KEPT),
    },
    InlineEnvironment: {
        **honoured("conda_file"),
        **mapped("image", "a virtual environment with the packages of the conda file; no container is started"),
        **refused("build", _NO_BUILD),
        **ignored("inference_config", _NO_CONTAINER),
        **ignored("os_type", "the system of this machine"),
        **ignored("name version description tags properties datastore", KEPT),
    },
    Build: refused("path dockerfile_path", _NO_BUILD),
    InferenceConfig: ignored("liveness_route readiness_route scoring_route", _NO_CONTAINER),
    Route: ignored("port path", _NO_CONTAINER),
    Resources: {
        **mapped("docker_args", "--memory and --pids-limit bound the step; Docker's other options have no effect"),
        **ignored("instance_type instance_count max_instance_count locations", ONE_MACHINE),
        **ignored("shm_size", "a step has the shared memory of this machine"),
        **ignored("properties", KEPT),
    },
    Limits: honoured("timeout"),
    MpiDistribution: ignored("type process_count_per_instance", ONE_MACHINE),
    TensorFlowDistribution: ignored("type worker_count parameter_server_count", ONE_MACHINE),
    PyTorchDistribution: ignored("type process_count_per_instance", ONE_MACHINE),
    RayDistribution: ignored(
        "type port address include_dashboard dashboard_port head_node_additional_args worker_node_additional_args",
        ONE_MACHINE,
    ),
    Identity: ignored("type client_id object_id msi_resource_id", _OWN_IDENTITY),
    QueueSettings: ignored("job_tier priority", _NO_QUEUE),
    Service: ignored("type port nodes properties ssh_public_keys log_dir", _NO_SERVICES),
}
"""Of each model of a job, what becomes of each field. A model has the rows of its bases too."""
