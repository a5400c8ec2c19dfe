"""Operations on labels and monitors."""

from datetime import UTC
from typing import Annotated, Any

from fastapi import Body
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import monitor

DOOR = Door()


class OneLabel(BaseModel):
    """What a prediction should have been."""

    model_config = ConfigDict(extra="forbid")

    correlation_id: Annotated[str, Field(max_length=200)]
    label: bool | int | float | Annotated[str, Field(max_length=1000)]
    labelled_at: AwareDatetime | None = None


class Labels(BaseModel):
    """A batch of labels."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[list[OneLabel], Field(min_length=1, max_length=monitor.MOST_LABELS)]


class Watermark(BaseModel):
    """An instant of event time before which everything has been sent."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime


@DOOR.operation("POST", "/stages/{stage}/endpoints/{endpoint}/labels", name="label.create", permission="data/write")
def create_labels(
    world: TheWorld, call: Called, stage: str, endpoint: str, body: Annotated[Labels, Body()]
) -> dict[str, Any]:
    """Take labels of scored rows by correlation id; the first of a row wins, contradictions are counted."""
    given = [
        monitor.Label(correlation_id=one.correlation_id, label=one.label, labelled_at=one.labelled_at)
        for one in body.labels
    ]
    return monitor.label(world, call, stage, endpoint, given)


@DOOR.operation(
    "POST", "/stages/{stage}/endpoints/{endpoint}/watermark", name="monitor.watermark", permission="monitors/write"
)
def state_watermark(
    world: TheWorld, call: Called, stage: str, endpoint: str, body: Annotated[Watermark, Body()]
) -> dict[str, Any]:
    """State that every event before an instant has been sent: the windows before it close."""
    return monitor.state_watermark(world, call, stage, endpoint, body.at.astimezone(UTC))


@DOOR.operation("GET", "/stages/{stage}/endpoints/{endpoint}/monitor", name="monitor.show", permission="monitors/read")
def show(world: TheWorld, call: Called, stage: str, endpoint: str) -> dict[str, Any]:
    """Show what every closed window said, the incidents, and the retrainings that answered them."""
    return monitor.show(world, call, stage, endpoint)
