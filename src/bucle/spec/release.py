"""Owns `release.yml`: what a model is for, how it is judged, and what travels with its requests."""

from typing import Annotated, Literal

from pydantic import Field

from bucle.spec.gate import Checks
from bucle.spec.scalars import Duration, Name, Number, Single, Text
from bucle.spec.section import Section

NotNegative = Annotated[Number, Field(ge=0)]


class Release(Section):
    """The words of one model. `tighten` adds to a stage's gate; it can never loosen it.

    `model` names the job's output or the logged model; `evaluation_data` an input or output of the job, and
    `evaluation` says whether the platform scores it or the job wrote the predictions there itself. `training_data`
    names the input whose profile is the baseline; `example` an output with rows and what the training process
    predicted for them, as `prediction`.
    """

    name: Name
    model: Text
    task: Literal["regression", "classification"]
    target: Text
    metric: Text
    direction: Literal["minimize", "maximize"]
    evaluation_data: Text
    evaluation: Literal["scored", "reported"] = "scored"
    training_data: Text | None = None
    example: Text | None = None
    objective: Text | None = None
    positive_class: Single | None = None
    segments: list[Text] = Field(default_factory=list)
    groups: list[Text] = Field(default_factory=list)
    event_time: Text | None = None
    allowed_lateness: Duration | None = None
    pass_through: list[Text] = Field(default_factory=list)
    tolerance: NotNegative = 0.0
    tighten: Checks = Field(default_factory=Checks)
    backtest: Text | None = None
