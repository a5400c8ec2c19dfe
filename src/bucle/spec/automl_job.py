"""Owns automated training: the job and the node of each task."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, RootModel, Tag

from bucle.spec.automl_images import (
    ClassifierParameters,
    ClassifierSearchSpace,
    DetectorParameters,
    DetectorSearchSpace,
)
from bucle.spec.automl_parameters import (
    DeepLimits,
    DeepSweep,
    TextFeaturization,
    TextLimits,
    TextParameters,
    TextSearchSpace,
)
from bucle.spec.automl_settings import (
    AutoOrWhole,
    ClassifierTraining,
    ForecasterTraining,
    Forecasting,
    RegressorTraining,
    TableFeaturization,
    TableLimits,
)
from bucle.spec.execution_settings import EnvironmentVariables, QueueSettings, Resources
from bucle.spec.inputs import Input, JobOutputs
from bucle.spec.job_fields import JobFile
from bucle.spec.scalars import AnyHump, Number, Text
from bucle.spec.section import OrExpression, task_of

NOT_RUN = "no engine of automated training is part of this platform; train with a command job"
Table = OrExpression[Input]
ClassifierMetric = OrExpression[
    Annotated[
        Literal[
            "auc_weighted",
            "accuracy",
            "norm_macro_recall",
            "average_precision_score_weighted",
            "precision_score_weighted",
        ],
        AnyHump,
    ]
]
LabelsMetric = OrExpression[
    Annotated[
        Literal[
            "auc_weighted",
            "accuracy",
            "norm_macro_recall",
            "average_precision_score_weighted",
            "precision_score_weighted",
            "iou",
        ],
        AnyHump,
    ]
]
RegressionMetric = OrExpression[
    Annotated[
        Literal[
            "spearman_correlation",
            "normalized_root_mean_squared_error",
            "r2_score",
            "normalized_mean_absolute_error",
        ],
        AnyHump,
    ]
]


class AutomlTask(JobFile):
    """The fields of every task."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["automl"]
    training_data: Table
    validation_data: Table | None = None
    outputs: JobOutputs | None = None
    environment_id: Text | None = None
    environment_variables: EnvironmentVariables | None = None
    resources: Resources | None = None
    queue_settings: QueueSettings | None = None
    log_verbosity: (
        OrExpression[Annotated[Literal["not_set", "debug", "info", "warning", "error", "critical"], AnyHump]] | None
    ) = None


class TableTask(AutomlTask):
    """The fields of the tasks on tables."""

    target_column_name: Text
    limits: TableLimits | None = None
    featurization: TableFeaturization | None = None
    validation_data_size: OrExpression[Number] | None = None
    cv_split_column_names: list[Text] | None = None
    n_cross_validations: AutoOrWhole | None = None
    weight_column_name: Text | None = None
    test_data: Table | None = None
    test_data_size: OrExpression[Number] | None = None


class Classification(TableTask):
    """Rows to classes."""

    task: Annotated[Literal["classification"], AnyHump]
    primary_metric: ClassifierMetric | None = None
    positive_label: Text | None = None
    training: ClassifierTraining | None = None


class Regression(TableTask):
    """Rows to numbers."""

    task: Annotated[Literal["regression"], AnyHump]
    primary_metric: RegressionMetric | None = None
    training: RegressorTraining | None = None


class ForecastingTask(TableTask):
    """Series to their continuation."""

    task: Annotated[Literal["forecasting"], AnyHump]
    primary_metric: RegressionMetric | None = None
    forecasting: Forecasting | None = None
    training: ForecasterTraining | None = None


class TextTask(AutomlTask):
    """The fields of the tasks on text."""

    limits: TextLimits | None = None
    sweep: DeepSweep | None = None
    training_parameters: TextParameters | None = None
    search_space: list[TextSearchSpace] | None = None
    featurization: TextFeaturization | None = None


class TextClassification(TextTask):
    """Texts to classes."""

    task: Annotated[Literal["text_classification"], AnyHump]
    target_column_name: Text
    primary_metric: ClassifierMetric | None = None


class TextLabels(TextTask):
    """Texts to sets of labels."""

    task: Annotated[Literal["text_classification_multilabel"], AnyHump]
    target_column_name: Text
    primary_metric: ClassifierMetric | None = None


class TextEntities(TextTask):
    """Texts to the names in them."""

    task: Annotated[Literal["text_ner"], AnyHump]
    target_column_name: Text | None = None
    primary_metric: OrExpression[Annotated[Literal["accuracy"], AnyHump]] | None = None


class ImageTask(AutomlTask):
    """The fields of the tasks on images."""

    target_column_name: Text
    limits: DeepLimits | None = None
    sweep: DeepSweep | None = None
    validation_data_size: OrExpression[Number] | None = None
    test_data: Table | None = None
    test_data_size: OrExpression[Number] | None = None


class ImageClassification(ImageTask):
    """Images to classes."""

    task: Annotated[Literal["image_classification"], AnyHump]
    primary_metric: ClassifierMetric | None = None
    training_parameters: ClassifierParameters | None = None
    search_space: list[ClassifierSearchSpace] | None = None


class ImageLabels(ImageTask):
    """Images to sets of labels."""

    task: Annotated[Literal["image_classification_multilabel"], AnyHump]
    primary_metric: LabelsMetric | None = None
    training_parameters: ClassifierParameters | None = None
    search_space: list[ClassifierSearchSpace] | None = None


class ImageObjects(ImageTask):
    """Images to the boxes or the outlines of the things in them."""

    task: Annotated[Literal["image_object_detection", "image_instance_segmentation"], AnyHump]
    primary_metric: OrExpression[Annotated[Literal["mean_average_precision"], AnyHump]] | None = None
    training_parameters: DetectorParameters | None = None
    search_space: list[DetectorSearchSpace] | None = None


NodeOfAutoml = Annotated[
    Annotated[Classification, Tag("<classification>")]
    | Annotated[Regression, Tag("<regression>")]
    | Annotated[ForecastingTask, Tag("<forecasting>")]
    | Annotated[TextClassification, Tag("<text_classification>")]
    | Annotated[TextLabels, Tag("<text_classification_multilabel>")]
    | Annotated[TextEntities, Tag("<text_ner>")]
    | Annotated[ImageClassification, Tag("<image_classification>")]
    | Annotated[ImageLabels, Tag("<image_classification_multilabel>")]
    | Annotated[ImageObjects, Tag("<image_object_detection>")]
    | Annotated[ImageObjects, Tag("<image_instance_segmentation>")],
    Discriminator(
        task_of,
        custom_error_type="task",
        custom_error_message="must have a task: classification, regression, forecasting, text_… or image_…",
    ),
]


class AutomlJob(RootModel[Any]):
    """A search for a model by the platform itself."""

    model_config = ConfigDict(defer_build=True)
    # Named here and not as RootModel[…], which would be built at once.
    root: NodeOfAutoml
