"""Owns the monitor: Azure's `create_monitor` schedule."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag

from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.inputs import Input, JobInputs
from bucle.spec.scalars import Anything, Count, Duration, Flag, Name, Number, Text, TextAsWritten
from bucle.spec.schedule import Trigger
from bucle.spec.section import ByForm, File, OpenSection, Section

DataContext = Literal["model_inputs", "model_outputs", "training", "test", "validation", "ground_truth"]


class MonitorCompute(Section):
    """The machine that computes a monitor."""

    instance_type: Text
    runtime_version: TextAsWritten | None = None


class MonitoringTarget(Section):
    """What is watched: `azureml:ENDPOINT:DEPLOYMENT`, or a model."""

    ml_task: Literal["classification", "regression", "question_answering"] | None = None
    endpoint_deployment_id: Text | None = None
    model_id: Text | None = None


class ColumnNames(Section):
    """What the columns of a data set mean."""

    target_column: Text | None = None
    prediction: Text | None = None
    prediction_probability: Text | None = None
    correlation_id: Text | None = None


class BaselineWindow(Section):
    """Which part of the reference: fixed in time, or trailing behind the production window."""

    window_start: Text | None = None
    window_end: Text | None = None
    lookback_window_size: Duration | None = None
    lookback_window_offset: Duration | None = None


class ProductionWindow(Section):
    """Which part of production: its size, and how far behind the trigger it ends."""

    lookback_window_size: Duration | None = None
    lookback_window_offset: Duration | None = None


class ProductionData(Section):
    """The collected data that is watched."""

    input_data: Input
    data_context: DataContext | None = None
    pre_processing_component: Text | None = None
    data_column_names: ColumnNames | None = None
    data_window: ProductionWindow | None = None


class ReferenceData(Section):
    """The data that production is compared with."""

    input_data: Input
    data_context: DataContext | None = None
    pre_processing_component: Text | None = None
    data_column_names: ColumnNames | None = None
    data_window: BaselineWindow | None = None


class TopFeatures(Section):
    """The features of most weight in the model."""

    top_n_feature_importance: Count


Features = Annotated[
    Annotated[Text, Tag("<single>")] | Annotated[list[Text], Tag("<list>")] | Annotated[TopFeatures, Tag("<mapping>")],
    ByForm,
]


class NumericalDrift(Section):
    """Bounds of the drift of numbers."""

    jensen_shannon_distance: Number | None = None
    normalized_wasserstein_distance: Number | None = None
    population_stability_index: Number | None = None
    two_sample_kolmogorov_smirnov_test: Number | None = None


class CategoricalDrift(Section):
    """Bounds of the drift of categories; `chi_squared_test` is the name in Azure's own pages."""

    jensen_shannon_distance: Number | None = None
    population_stability_index: Number | None = None
    pearsons_chi_squared_test: Number | None = None
    chi_squared_test: Number | None = None


class DriftThresholds(Section):
    """Bounds by data type."""

    numerical: NumericalDrift | None = None
    categorical: CategoricalDrift | None = None


class Quality(Section):
    """Bounds of data quality, as shares of the rows."""

    null_value_rate: Number | None = None
    data_type_error_rate: Number | None = None
    out_of_bounds_rate: Number | None = None


class QualityThresholds(Section):
    """Bounds by data type."""

    numerical: Quality | None = None
    categorical: Quality | None = None


class DriftSignal(Section):
    """Drift of inputs or of predictions."""

    type: Literal["data_drift", "prediction_drift"]
    production_data: ProductionData | None = None
    reference_data: ReferenceData | None = None
    features: Features | None = None
    feature_type_override: dict[str, Literal["numerical", "categorical"]] | None = None
    metric_thresholds: DriftThresholds | None = None
    alert_enabled: Flag | None = None
    data_segment: Anything = None
    properties: Properties | None = None


class QualitySignal(Section):
    """Nulls, types and bounds."""

    type: Literal["data_quality"]
    production_data: ProductionData | None = None
    reference_data: ReferenceData | None = None
    features: Features | None = None
    feature_type_override: dict[str, Literal["numerical", "categorical"]] | None = None
    metric_thresholds: QualityThresholds | None = None
    alert_enabled: Flag | None = None
    properties: Properties | None = None


class ClassificationThresholds(Section):
    """Lower bounds of a classifier."""

    accuracy: Number | None = None
    precision: Number | None = None
    recall: Number | None = None
    f1_score: Number | None = None


class RegressionThresholds(Section):
    """Upper bounds of a regression's error, in the target's unit."""

    mae: Number | None = None
    mse: Number | None = None
    rmse: Number | None = None


class PerformanceThresholds(Section):
    """Bounds by task."""

    classification: ClassificationThresholds | None = None
    regression: RegressionThresholds | None = None


ProductionDataOrList = Annotated[
    Annotated[ProductionData, Tag("<mapping>")] | Annotated[list[ProductionData], Tag("<list>")], ByForm
]


class PerformanceSignal(Section):
    """Performance against labels."""

    type: Literal["model_performance"]
    production_data: ProductionDataOrList | None = None
    reference_data: ReferenceData | None = None
    metric_thresholds: PerformanceThresholds | None = None
    alert_enabled: Flag | None = None
    data_segment: Anything = None
    properties: Properties | None = None


class AttributionThresholds(Section):
    """The lower bound of the agreement of importances."""

    normalized_discounted_cumulative_gain: Number


class AttributionSignal(Section):
    """Drift of what the features weigh."""

    type: Literal["feature_attribution_drift"]
    production_data: ProductionDataOrList | None = None
    reference_data: ReferenceData | None = None
    metric_thresholds: AttributionThresholds | None = None
    alert_enabled: Flag | None = None
    properties: Properties | None = None


class CustomThreshold(Section):
    """The bound of a metric of one's own."""

    metric_name: Text
    threshold: Number | None = None


class CustomSignal(Section):
    """A metric that a component of one's own computes."""

    type: Literal["custom"]
    component_id: Text
    inputs: JobInputs | None = None
    input_data: dict[str, ReferenceData] | None = None
    metric_thresholds: list[CustomThreshold] | None = None
    alert_enabled: Flag | None = None
    properties: Properties | None = None


class GenerationSignal(OpenSection):
    """The signals of generative models: named here, not computed by this platform."""

    not_run: ClassVar[str | None] = "no model of language is here to judge what another one writes"

    type: Literal["generation_safety_quality", "generation_token_statistics"]


Signal = Annotated[
    DriftSignal | QualitySignal | PerformanceSignal | AttributionSignal | CustomSignal | GenerationSignal,
    Field(discriminator="type"),
]


class EmailNotification(Section):
    """Who is written to."""

    emails: list[Text]


Notification = Annotated[
    Annotated[Literal["azmonitoring"], Tag("<single>")] | Annotated[EmailNotification, Tag("<mapping>")],
    ByForm,
]


class MonitorDefinition(Section):
    """What is computed, on what, and who hears of it."""

    compute: MonitorCompute
    monitoring_target: MonitoringTarget | None = None
    monitoring_signals: dict[Name, Signal] | None = None
    alert_notification: Notification | None = None


class Monitor(File):
    """A trigger and the monitor it runs."""

    name: Name
    trigger: Trigger
    create_monitor: MonitorDefinition
    display_name: Text | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    is_enabled: Flag | None = None
