"""Owns what a sweep searches: the space of each input, how it is sampled, and when a trial is given up."""

from typing import Annotated, Literal

from pydantic import Tag

from bucle.spec.scalars import AnyCase, Number, OrNull, Single, Text, TextAsWritten, Whole
from bucle.spec.section import ByForm, ByType, OrExpression, Section

BoundNumber = OrExpression[Number]


class Uniform(Section):
    """A number between two bounds, in its own measure or in its logarithm."""

    type: Annotated[Literal["uniform", "loguniform"], AnyCase]
    min_value: BoundNumber
    max_value: BoundNumber


class QuantizedUniform(Section):
    """As `Uniform`, rounded to multiples of `q`."""

    type: Annotated[Literal["quniform", "qloguniform"], AnyCase]
    min_value: BoundNumber
    max_value: BoundNumber
    q: BoundNumber


class Normal(Section):
    """A normal number, or one whose logarithm is."""

    type: Annotated[Literal["normal", "lognormal"], AnyCase]
    mu: BoundNumber
    sigma: BoundNumber


class QuantizedNormal(Section):
    """As `Normal`, rounded to multiples of `q`."""

    type: Annotated[Literal["qnormal", "qlognormal"], AnyCase]
    mu: BoundNumber
    sigma: BoundNumber
    q: BoundNumber


class RandomInteger(Section):
    """A whole number from 0 up to, and without, `upper`."""

    type: Annotated[Literal["randint"], AnyCase]
    upper: Whole


ChoiceValue = Annotated[
    Annotated[Single, Tag("<single>")] | Annotated[dict[str, "ValueOrSpace"], Tag("<mapping>")], ByForm
]


class Choice(Section):
    """One of some values."""

    type: Annotated[Literal["choice"], AnyCase]
    values: "list[ChoiceValue] | None" = None


Space = Annotated[
    Annotated[Choice, Tag("<choice>")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[Uniform, Tag("<loguniform>")]
    | Annotated[QuantizedUniform, Tag("<quniform>")]
    | Annotated[QuantizedUniform, Tag("<qloguniform>")]
    | Annotated[Normal, Tag("<normal>")]
    | Annotated[Normal, Tag("<lognormal>")]
    | Annotated[QuantizedNormal, Tag("<qnormal>")]
    | Annotated[QuantizedNormal, Tag("<qlognormal>")]
    | Annotated[RandomInteger, Tag("<randint>")],
    ByType,
]
ValueOrSpace = Annotated[Annotated[Single, Tag("<single>")] | Annotated[Space, Tag("<mapping>")], ByForm]
SearchSpace = dict[str, OrExpression[Space]]


class RandomSampling(Section):
    """Points at random, or of a Sobol sequence."""

    type: Annotated[Literal["random"], AnyCase]
    seed: Whole | None = None
    rule: Annotated[Literal["random", "sobol"], AnyCase] | None = None
    logbase: TextAsWritten | None = None


class GridSampling(Section):
    """Every combination of choices."""

    type: Annotated[Literal["grid"], AnyCase]


class BayesianSampling(Section):
    """Points where earlier trials promise most."""

    type: Annotated[Literal["bayesian"], AnyCase]


Sampling = Annotated[
    Annotated[Annotated[Literal["random", "grid", "bayesian"], AnyCase], Tag("<single>")]
    | Annotated[
        Annotated[RandomSampling, Tag("<random>")]
        | Annotated[GridSampling, Tag("<grid>")]
        | Annotated[BayesianSampling, Tag("<bayesian>")],
        ByType,
        Tag("<mapping>"),
    ],
    ByForm,
]


class Objective(Section):
    """The metric that the trials log, and which way is better."""

    goal: Annotated[Literal["minimize", "maximize"], AnyCase]
    primary_metric: Text


class Bandit(Section):
    """Ends a trial that lags behind the best one by a factor or an amount; intervals in logged metrics."""

    type: Annotated[Literal["bandit"], AnyCase]
    evaluation_interval: Annotated[Whole | None, OrNull] = None
    delay_evaluation: Annotated[Whole | None, OrNull] = None
    slack_factor: Annotated[Number | None, OrNull] = None
    slack_amount: Annotated[Number | None, OrNull] = None


class MedianStopping(Section):
    """Ends a trial that is worse than the median of the running averages."""

    type: Annotated[Literal["median_stopping"], AnyCase]
    evaluation_interval: Annotated[Whole | None, OrNull] = None
    delay_evaluation: Annotated[Whole | None, OrNull] = None


class TruncationSelection(Section):
    """Ends the worst share of the trials at each interval."""

    type: Annotated[Literal["truncation_selection"], AnyCase]
    truncation_percentage: Whole
    evaluation_interval: Annotated[Whole | None, OrNull] = None
    delay_evaluation: Annotated[Whole | None, OrNull] = None


EarlyTermination = Annotated[
    Annotated[Bandit, Tag("<bandit>")]
    | Annotated[MedianStopping, Tag("<median_stopping>")]
    | Annotated[TruncationSelection, Tag("<truncation_selection>")],
    ByType,
]


class SweepLimits(Section):
    """How many trials, how many at a time, and for how long; times in seconds."""

    max_total_trials: Whole
    max_concurrent_trials: Whole | None = None
    timeout: Whole | None = None
    trial_timeout: Whole | None = None
