"""Owns `gate.yml`: what a release must prove before a stage lets it in."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bucle.spec.scalars import Count, Flag, Name, Number, Text, Whole
from bucle.spec.section import Section

Percent = Annotated[Whole, Field(ge=1, le=100)]


class ChampionCheck(Section):
    """Better than the champion by `margin` (0: not worse), in the metric's unit, on the newest labels."""

    margin: Number = 0.0
    metric: Text | None = None
    minimum_rows: Count | None = None


class Bound(Section):
    """An absolute bound of a metric."""

    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Refuse a bound that bounds nothing."""
        if self.min is None and self.max is None:
            raise PydanticCustomError("bound", "must hold min, max or both")
        return self


class PartCheck(Section):
    """How far a segment or a group may lie from the whole, and how many rows it takes to say so."""

    gap: Number | None = None
    minimum_rows: Count | None = None
    metric: Text | None = None
    min: Number | None = None
    max: Number | None = None


class StandingCheck(Section):
    """What a deployment at 0 % of the traffic must show: errors among `replay` requests, and latency."""

    replay: Count | None = None
    errors: Whole = 0
    p95_ms: Number | None = None


class Checks(Section):
    """The rules of a gate."""

    champion: ChampionCheck | None = None
    bounds: dict[str, Bound] = Field(default_factory=dict)
    segments: PartCheck | None = None
    groups: PartCheck | None = None
    standing: StandingCheck | None = None


class Requirements(Section):
    """What must be there, whatever it says."""

    clean_commit: Flag = False
    merged_commit: Flag = False
    monitor: Flag = False
    retrain: Flag = False


class RolloutStep(Section):
    """A share of the traffic, held until the candidate has answered so many requests."""

    percent: Percent
    requests: Count | None = None


def _rising_to_all(steps: list[RolloutStep]) -> list[RolloutStep]:
    percents = [step.percent for step in steps]
    if percents != sorted(set(percents)) or percents[-1:] != [100]:
        raise PydanticCustomError("rollout", "must rise from step to step and end at 100 percent")
    return steps


def _all_at_once() -> list[RolloutStep]:
    return [RolloutStep(percent=100)]


class Gate(Section):
    """The gate of one stage."""

    stage: Name
    checks: Checks = Field(default_factory=Checks)
    require: Requirements = Field(default_factory=Requirements)
    minimum_rows: Count = 30
    on_inconclusive: Literal["stop", "acknowledge"] = "stop"
    allow_reported_evaluation: Flag = False
    allow_direct_path: Flag = False
    approvals: Annotated[Whole, Field(ge=0)] = 0
    rollout: Annotated[list[RolloutStep], AfterValidator(_rising_to_all)] = Field(default_factory=_all_at_once)
