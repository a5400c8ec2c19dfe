"""Owns `retrain.yml`: when a model is trained again, on what, and how it comes back."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from bucle.spec.scalars import Count, Duration, Name, Text
from bucle.spec.schedule import Trigger
from bucle.spec.section import Section


class MonitorTrigger(Section):
    """A monitor, and the signal of it that calls for a new model."""

    monitor: Name
    signal: Name


class Retrain(Section):
    """A retraining policy. `bind` replaces inputs of the release's own job; windows are event time."""

    trigger: MonitorTrigger | None = None
    schedule: Trigger | None = None
    cooldown: Duration
    window: Duration
    bind: dict[str, Literal["window", "newest"]]
    holdout: Duration | None = None
    minimum_rows: Count | None = None
    budget_per_month: Count | None = None
    path: list[Name] | None = None

    @model_validator(mode="after")
    def starts_somehow(self) -> Self:
        """Refuse a policy that never fires."""
        if self.trigger is None and self.schedule is None:
            raise PydanticCustomError("never_starts", "must hold a trigger, a schedule or both")
        return self


class Absent(Section):
    """A policy that is absent on purpose: `none: because the labels never arrive`."""

    none: Text
