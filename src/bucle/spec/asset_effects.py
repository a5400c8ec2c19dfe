"""Owns the table of the fields of data, endpoints, deployments, schedules and monitors: what becomes of each."""

from collections.abc import Mapping

from pydantic import BaseModel

from bucle.spec import monitor as watching
from bucle.spec import online_deployment as deploying
from bucle.spec.data import Data
from bucle.spec.field_effect import KEPT, ONE_MACHINE, Rows, honoured, ignored, mapped, refused
from bucle.spec.mltable import MLTable
from bucle.spec.model import InlineModel
from bucle.spec.online_endpoint import OnlineEndpoint
from bucle.spec.schedule import CronTrigger, JobWithSettings, RecurrencePattern, RecurrenceTrigger, Schedule

_NO_PROBES = "a replica is asked by the platform's own rule"
_OWN_SCORING = "a deployment serves a release with the release's own server and environment"
_OWN_COLLECTOR = "rows are kept in the stage's own store; all of them, while collection is on"
_WATCHED = "the endpoint is the one whose release this file came with; its rows and its baseline are the release's"
_NOT_WATCHED = "read here, and not computed: drift of inputs and performance against labels are"

ASSETS: Mapping[type[BaseModel], Rows] = {
    Data: {
        **honoured("name version type description tags datastore"),
        **honoured("path", "a local path is uploaded; a path of a datastore is not taken yet"),
        **ignored("properties skip_validation", KEPT),
        **ignored("auto_delete_setting", "what is no longer used is found by the platform's own retention"),
    },
    OnlineEndpoint: {
        **honoured("name traffic"),
        **honoured("auth_mode", "key; an endpoint of another mode is refused"),
        **refused("mirror_traffic", "mirrored traffic is not run here"),
        **mapped("compute", ONE_MACHINE),
        **ignored("description tags properties", KEPT),
        **ignored("identity", "an endpoint acts with the rights of its stage, never with another identity"),
        **ignored("public_network_access", "the gateway listens where the server was told to"),
    },
    deploying.OnlineDeployment: {
        **honoured("name endpoint_name request_settings environment_variables data_collector"),
        **honoured("model", "a registered model with its version; a deployment of another form is refused"),
        **honoured("instance_count", "1; a deployment of more is refused"),
        **honoured("scale_settings", "default; a deployment that scales by load is refused"),
        **mapped("type instance_type", ONE_MACHINE),
        **refused("code_configuration environment model_mount_path", _OWN_SCORING),
        **ignored("description tags properties resources with_package", KEPT),
        **ignored("app_insights_enabled", "requests are measured by the gateway itself"),
        **ignored("liveness_probe readiness_probe startup_probe", _NO_PROBES),
        **ignored("egress_public_network_access", "what serves a model reaches no network"),
    },
    deploying.CodeConfiguration: refused("code scoring_script", _OWN_SCORING),
    deploying.Probe: ignored(
        "failure_threshold success_threshold timeout period initial_delay path port method scheme", _NO_PROBES
    ),
    deploying.RequestSettings: {
        **honoured("request_timeout_ms max_concurrent_requests_per_instance"),
        **ignored("max_queue_wait_ms", "what finds no free place is answered 429 at once"),
    },
    deploying.ScaleSettings: {
        **honoured("type"),
        **ignored("min_instances max_instances polling_interval target_utilization_percentage", "one instance answers"),
    },
    deploying.DataCollector: {
        **honoured("collections"),
        **ignored("sampling_rate rolling_rate request_logging", _OWN_COLLECTOR),
    },
    deploying.Collection: {
        **honoured("enabled", "one collection that is enabled turns collection on"),
        **ignored("data sampling_rate client_id", _OWN_COLLECTOR),
    },
    deploying.CollectedAsset: ignored("name version path", _OWN_COLLECTOR),
    deploying.RequestLogging: ignored("capture_headers", _OWN_COLLECTOR),
    InlineModel: refused(
        "path name version type description tags properties flavors stage datastore job_name",
        "a deployment serves a registered model",
    ),
    MLTable: ignored("type paths transformations metadata traits", "for the code that reads the table, as it is"),
    Schedule: {
        **honoured("name trigger create_job is_enabled"),
        **ignored("display_name description tags properties", KEPT),
    },
    CronTrigger: honoured("type expression start_time end_time time_zone"),
    RecurrenceTrigger: honoured("type frequency interval schedule start_time end_time time_zone"),
    RecurrencePattern: honoured("hours minutes week_days month_days"),
    JobWithSettings: {
        **honoured("type job inputs outputs settings tags properties display_name description experiment_name"),
        **mapped("compute", ONE_MACHINE),
    },
    watching.Monitor: {
        **ignored("name", "a monitor is the one of its release"),
        **ignored("trigger", "windows are computed when they close"),
        **honoured("create_monitor"),
        **ignored("display_name description tags properties is_enabled", KEPT),
    },
    watching.MonitorDefinition: {
        **honoured("monitoring_signals"),
        **mapped("compute", ONE_MACHINE),
        **ignored("monitoring_target", _WATCHED),
        **ignored("alert_notification", "an alert is shown and told to the owners of the platform file"),
    },
    watching.MonitorCompute: ignored("instance_type runtime_version", ONE_MACHINE),
    watching.MonitoringTarget: ignored("ml_task endpoint_deployment_id model_id", _WATCHED),
    watching.DriftSignal: {
        **honoured("type metric_thresholds alert_enabled production_data"),
        **ignored("reference_data features feature_type_override", _WATCHED),
        **ignored("data_segment properties", KEPT),
    },
    watching.PerformanceSignal: {
        **honoured("type metric_thresholds alert_enabled production_data"),
        **ignored("reference_data", _WATCHED),
        **ignored("data_segment properties", KEPT),
    },
    watching.ProductionData: {
        **honoured("data_window"),
        **ignored("input_data data_context data_column_names pre_processing_component", _WATCHED),
    },
    watching.ProductionWindow: {
        **honoured("lookback_window_size"),
        **ignored("lookback_window_offset", "a window is computed when it closes"),
    },
    watching.DriftThresholds: honoured("numerical categorical"),
    watching.NumericalDrift: {
        **honoured("normalized_wasserstein_distance"),
        **ignored(
            "jensen_shannon_distance population_stability_index two_sample_kolmogorov_smirnov_test", _NOT_WATCHED
        ),
    },
    watching.CategoricalDrift: {
        **honoured("jensen_shannon_distance"),
        **ignored("population_stability_index pearsons_chi_squared_test chi_squared_test", _NOT_WATCHED),
    },
    watching.PerformanceThresholds: honoured("classification regression"),
    watching.ClassificationThresholds: honoured("accuracy precision recall f1_score"),
    watching.RegressionThresholds: honoured("mae mse rmse"),
    watching.QualitySignal: ignored(
        "type production_data reference_data features feature_type_override metric_thresholds alert_enabled properties",
        _NOT_WATCHED,
    ),
    watching.AttributionSignal: ignored(
        "type production_data reference_data metric_thresholds alert_enabled properties", _NOT_WATCHED
    ),
    watching.CustomSignal: ignored(
        "type component_id inputs input_data metric_thresholds alert_enabled properties", _NOT_WATCHED
    ),
}
"""Of each model of these, what becomes of each field. A model has the rows of its bases too."""
