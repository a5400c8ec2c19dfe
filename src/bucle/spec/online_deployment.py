"""Owns the online deployment."""

from typing import Annotated, Literal

from pydantic import Tag

from bucle.spec.environment import EnvironmentField
from bucle.spec.execution_settings import AssetTags, EnvironmentVariables, Properties
from bucle.spec.model import InlineModel
from bucle.spec.scalars import Anything, Count, Flag, Name, Number, Text, TextAsWritten, Whole
from bucle.spec.section import ByForm, File, PathOrUploaded, Section

ModelField = Annotated[Annotated[Text, Tag("<single>")] | Annotated[InlineModel, Tag("<mapping>")], ByForm]


class CodeConfiguration(Section):
    """The code that scores."""

    code: PathOrUploaded
    scoring_script: Text


class Probe(Section):
    """How often a replica is asked whether it lives; times in seconds."""

    failure_threshold: Whole | None = None
    success_threshold: Whole | None = None
    timeout: Whole | None = None
    period: Whole | None = None
    initial_delay: Whole | None = None
    path: Text | None = None
    port: Whole | None = None
    method: Text | None = None
    scheme: Text | None = None


class RequestSettings(Section):
    """How requests wait; times in milliseconds."""

    request_timeout_ms: Whole | None = None
    max_concurrent_requests_per_instance: Whole | None = None
    max_queue_wait_ms: Whole | None = None


class ScaleSettings(Section):
    """How many replicas; intervals in seconds."""

    type: Literal["default", "target_utilization"]
    min_instances: Whole | None = None
    max_instances: Whole | None = None
    polling_interval: Whole | None = None
    target_utilization_percentage: Whole | None = None


class CollectedAsset(Section):
    """Where a collection is kept."""

    name: Text | None = None
    version: TextAsWritten | None = None
    path: Text | None = None


class Collection(Section):
    """One collection of what a deployment sees; `enabled` is text in Azure's own files."""

    enabled: Text | None = None
    data: Annotated[Annotated[Text, Tag("<single>")] | Annotated[CollectedAsset, Tag("<mapping>")], ByForm] | None = (
        None
    )
    sampling_rate: Number | None = None
    client_id: Text | None = None


class RequestLogging(Section):
    """Headers that are kept with a request."""

    capture_headers: list[Text] | None = None


class DataCollector(Section):
    """What is collected for monitoring."""

    collections: dict[str, Collection]
    sampling_rate: Number | None = None
    rolling_rate: Literal["minute", "hour", "day"] | None = None
    request_logging: RequestLogging | None = None


class OnlineDeployment(File):
    """A model behind an endpoint."""

    name: Name
    endpoint_name: Name
    instance_type: Text | None = None
    type: Literal["managed", "kubernetes"] | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    model: ModelField | None = None
    code_configuration: CodeConfiguration | None = None
    environment: EnvironmentField | None = None
    environment_variables: EnvironmentVariables | None = None
    instance_count: Count | None = None
    app_insights_enabled: Flag | None = None
    scale_settings: ScaleSettings | None = None
    request_settings: RequestSettings | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    data_collector: DataCollector | None = None
    egress_public_network_access: Literal["enabled", "disabled"] | None = None
    model_mount_path: Text | None = None
    resources: Anything = None
    with_package: Flag | None = None
