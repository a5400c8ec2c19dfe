"""Owns the settings of automated training on tables: limits, features, ensembles, and what a forecast needs."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, StringConstraints, Tag

from bucle.spec.scalars import AnyHump, Anything, Flag, Number, Single, Text, Whole, as_text
from bucle.spec.section import ByForm, OrExpression, Section

BoundFlag = OrExpression[Flag]
BoundWhole = OrExpression[Whole]
BoundNumber = OrExpression[Number]
AutoOrWhole = Annotated[str, BeforeValidator(as_text), StringConstraints(pattern=r"(?i)^(auto|-?\d+|\$\{\{.*\}\})$")]
"""A whole number, or `auto`: the platform finds one."""
TextOrList = Annotated[Annotated[Text, Tag("<single>")] | Annotated[list[Text], Tag("<list>")], ByForm]


Classifier = OrExpression[
    Annotated[
        Literal[
            "logistic_regression",
            "sgd",
            "multinomial_naive_bayes",
            "bernoulli_naive_bayes",
            "svm",
            "linear_svm",
            "knn",
            "decision_tree",
            "random_forest",
            "extreme_random_trees",
            "light_gbm",
            "gradient_boosting",
            "xg_boost_classifier",
        ],
        AnyHump,
    ]
]
Regressors = Literal[
    "elastic_net",
    "gradient_boosting",
    "decision_tree",
    "knn",
    "lasso_lars",
    "sgd",
    "random_forest",
    "extreme_random_trees",
    "light_gbm",
    "xg_boost_regressor",
]
Regressor = OrExpression[Annotated[Regressors, AnyHump]]
Forecaster = OrExpression[
    Annotated[
        Literal[
            "auto_arima",
            "prophet",
            "naive",
            "seasonal_naive",
            "average",
            "seasonal_average",
            "exponential_smoothing",
            "arimax",
            "tcn_forecaster",
            Regressors,
        ],
        AnyHump,
    ]
]
Transformer = OrExpression[
    Annotated[
        Literal[
            "text_target_encoder",
            "one_hot_encoder",
            "cat_target_encoder",
            "tf_idf",
            "wo_e_target_encoder",
            "label_encoder",
            "word_embedding",
            "naive_bayes",
            "count_vectorizer",
            "hash_one_hot_encoder",
        ],
        AnyHump,
    ]
]
MetaLearner = OrExpression[
    Annotated[
        Literal[
            "none",
            "logistic_regression",
            "logistic_regression_cv",
            "light_gbm_classifier",
            "elastic_net",
            "elastic_net_cv",
            "light_gbm_regressor",
            "linear_regression",
        ],
        AnyHump,
    ]
]


class TableLimits(Section):
    """How many trials, for how long; times in minutes."""

    enable_early_termination: BoundFlag | None = None
    exit_score: BoundNumber | None = None
    max_concurrent_trials: BoundWhole | None = None
    max_cores_per_trial: BoundWhole | None = None
    max_nodes: BoundWhole | None = None
    max_trials: BoundWhole | None = None
    timeout_minutes: BoundWhole | None = None
    trial_timeout_minutes: BoundWhole | None = None


class ColumnTransformer(Section):
    """A transformer of some columns, with its parameters."""

    fields: list[Text] | None = None
    parameters: dict[str, Single] | None = None


class TableFeaturization(Section):
    """How columns become features."""

    dataset_language: Text | None = None
    mode: Annotated[OrExpression[Literal["auto", "off", "custom"]], AnyHump] | None = None
    blocked_transformers: list[Transformer] | None = None
    column_name_and_types: dict[str, Text] | None = None
    transformer_params: dict[str, list[ColumnTransformer]] | None = None
    enable_dnn_featurization: BoundFlag | None = None


class StackEnsemble(Section):
    """The learner above the learners."""

    stack_meta_learner_kwargs: Anything = None
    stack_meta_learner_train_percentage: BoundNumber | None = None
    stack_meta_learner_type: MetaLearner


class Training(Section):
    """Which algorithms are tried, and how their models are joined."""

    enable_dnn_training: BoundFlag | None = None
    enable_model_explainability: BoundFlag | None = None
    enable_onnx_compatible_models: BoundFlag | None = None
    enable_stack_ensemble: BoundFlag | None = None
    enable_vote_ensemble: BoundFlag | None = None
    ensemble_model_download_timeout_minutes: BoundWhole | None = None
    stack_ensemble_settings: StackEnsemble | None = None
    training_mode: OrExpression[Annotated[Literal["auto", "distributed", "non_distributed"], AnyHump]] | None = None


class ClassifierTraining(Training):
    """Those of classification."""

    allowed_training_algorithms: list[Classifier] | None = None
    blocked_training_algorithms: list[Classifier] | None = None


class RegressorTraining(Training):
    """Those of regression."""

    allowed_training_algorithms: list[Regressor] | None = None
    blocked_training_algorithms: list[Regressor] | None = None


class ForecasterTraining(Training):
    """Those of forecasting."""

    allowed_training_algorithms: list[Forecaster] | None = None
    blocked_training_algorithms: list[Forecaster] | None = None


AutoWholeOrList = Annotated[Annotated[AutoOrWhole, Tag("<single>")] | Annotated[list[Whole], Tag("<list>")], ByForm]


class Forecasting(Section):
    """What a forecast needs to know of time; steps in the series' own frequency."""

    country_or_region_for_holidays: Text | None = None
    cv_step_size: BoundWhole | None = None
    forecast_horizon: AutoOrWhole | None = None
    target_lags: AutoWholeOrList | None = None
    target_rolling_window_size: AutoOrWhole | None = None
    time_column_name: Text | None = None
    time_series_id_column_names: TextOrList | None = None
    frequency: Text | None = None
    feature_lags: OrExpression[Annotated[Literal["none", "auto"], AnyHump]] | None = None
    seasonality: AutoOrWhole | None = None
    short_series_handling_config: OrExpression[Annotated[Literal["none", "auto", "pad", "drop"], AnyHump]] | None = None
    use_stl: OrExpression[Annotated[Literal["none", "season", "seasontrend", "season_trend"], AnyHump]] | None = None
    target_aggregate_function: OrExpression[Annotated[Literal["none", "sum", "max", "min", "mean"], AnyHump]] | None = (
        None
    )
    features_unknown_at_forecast_time: TextOrList | None = None
