"""Owns the parameters of automated training on images and text: given, or searched."""

from typing import Annotated

from pydantic import Tag

from bucle.spec.scalars import Flag, Number, Text, Whole
from bucle.spec.search_space import EarlyTermination, Sampling, Space
from bucle.spec.section import ByForm, OrExpression, Section

BoundFlag = OrExpression[Flag]
BoundWhole = OrExpression[Whole]
BoundNumber = OrExpression[Number]
FlagSpace = Annotated[Annotated[BoundFlag, Tag("<single>")] | Annotated[Space, Tag("<mapping>")], ByForm]
WholeSpace = Annotated[Annotated[BoundWhole, Tag("<single>")] | Annotated[Space, Tag("<mapping>")], ByForm]
NumberSpace = Annotated[Annotated[BoundNumber, Tag("<single>")] | Annotated[Space, Tag("<mapping>")], ByForm]
TextSpace = Annotated[Annotated[Text, Tag("<single>")] | Annotated[Space, Tag("<mapping>")], ByForm]


class DeepLimits(Section):
    """How many trials, for how long; times in minutes."""

    max_concurrent_trials: BoundWhole | None = None
    max_trials: BoundWhole | None = None
    timeout_minutes: BoundWhole | None = None


class TextLimits(DeepLimits):
    """As `DeepLimits`, with more of them for models of text."""

    max_nodes: BoundWhole | None = None
    trial_timeout_minutes: BoundWhole | None = None


class DeepSweep(Section):
    """How the space is sampled, and when a trial is given up."""

    sampling_algorithm: OrExpression[Sampling]
    early_termination: OrExpression[EarlyTermination] | None = None


class TextFeaturization(Section):
    """The language of the texts."""

    dataset_language: Text | None = None


class TextParameters(Section):
    """The parameters of a model of text."""

    gradient_accumulation_steps: BoundWhole | None = None
    learning_rate: BoundNumber | None = None
    learning_rate_scheduler: Text | None = None
    model_name: Text | None = None
    number_of_epochs: BoundWhole | None = None
    training_batch_size: BoundWhole | None = None
    validation_batch_size: BoundWhole | None = None
    warmup_ratio: BoundNumber | None = None
    weight_decay: BoundNumber | None = None


class TextSearchSpace(Section):
    """The parameters of a model of text, searched."""

    gradient_accumulation_steps: WholeSpace | None = None
    learning_rate: NumberSpace | None = None
    learning_rate_scheduler: TextSpace | None = None
    model_name: TextSpace | None = None
    number_of_epochs: WholeSpace | None = None
    training_batch_size: WholeSpace | None = None
    validation_batch_size: WholeSpace | None = None
    warmup_ratio: NumberSpace | None = None
    weight_decay: NumberSpace | None = None
