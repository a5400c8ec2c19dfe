"""Operations on promotions: plan, request, approve, reject, execute, cancel; rollback, ledger, inbox."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
from bucle.ops import approval, promotion, rollback
from bucle.ops.approval import Word

DOOR = Door()


class Wanted(BaseModel):
    """Which release goes where: `NAME:VERSION` or an alias, and a stage or the only one of a tier."""

    model_config = ConfigDict(extra="forbid")

    release: Annotated[str, Field(max_length=512)]
    to: Annotated[str, Field(max_length=255)]


class Approving(BaseModel):
    """What an approver says beside his yes."""

    model_config = ConfigDict(extra="forbid")

    acknowledge: list[str] = Field(default_factory=list)
    alias: str | None = None
    comment: Annotated[str, Field(max_length=2000)] | None = None


class Rejecting(BaseModel):
    """Why somebody says no."""

    model_config = ConfigDict(extra="forbid")

    comment: Annotated[str, Field(max_length=2000)] | None = None


@DOOR.operation("POST", "/promotions:plan", name="promotion.plan", permission="promotions/request")
def plan(world: TheWorld, call: Called, body: Annotated[Wanted, Body()]) -> dict[str, Any]:
    """Say what promoting a release would do, and the verdicts of its entry gate; nothing moves."""
    return promotion.plan(world, call, body.release, body.to)


@DOOR.operation("POST", "/promotions", name="promotion.request", permission="promotions/request", status=201)
def request(world: TheWorld, call: Called, body: Annotated[Wanted, Body()]) -> dict[str, Any]:
    """Request a promotion."""
    return promotion.request(world, call, body.release, body.to)


@DOOR.operation("GET", "/stages/{stage}/promotions", name="promotion.list", permission="promotions/read")
def listed(world: TheWorld, call: Called, stage: str) -> dict[str, Any]:
    """List the newest promotions into a stage."""
    return {"value": promotion.listed(world, call, stage), "next_page_token": None}


@DOOR.operation("GET", "/promotions/{name}", name="promotion.show", permission="promotions/read")
def show(world: TheWorld, call: Called, name: str) -> dict[str, Any]:
    """Show a promotion: plan, gates, approvals, rollout."""
    return promotion.show(world, call, name)


@DOOR.operation("GET", "/inbox", name="promotion.inbox", permission=SIGNED_IN)
def inbox(world: TheWorld, call: Called) -> dict[str, Any]:
    """List what waits for the caller: to approve, or to take for execution."""
    return {"value": promotion.inbox(world, call), "next_page_token": None}


@DOOR.operation("POST", "/promotions/{name}:approve", name="promotion.approve", permission="promotions/approve")
def approve(world: TheWorld, call: Called, name: str, body: Annotated[Approving, Body()]) -> dict[str, Any]:
    """Approve a promotion over its digests."""
    word = Word(verdict="approved", acknowledged=tuple(body.acknowledge), typed_alias=body.alias, comment=body.comment)
    return approval.say(world, call, name, word)


@DOOR.operation("POST", "/promotions/{name}:reject", name="promotion.reject", permission="promotions/approve")
def reject(world: TheWorld, call: Called, name: str, body: Annotated[Rejecting, Body()]) -> dict[str, Any]:
    """Reject a promotion; it ends."""
    return approval.say(world, call, name, Word(verdict="rejected", comment=body.comment))


@DOOR.operation("POST", "/promotions/{name}:execute", name="promotion.execute", permission="promotions/execute")
def execute(world: TheWorld, call: Called, name: str) -> dict[str, Any]:
    """Take a promotion for execution."""
    return promotion.execute(world, call, name)


@DOOR.operation("POST", "/promotions/{name}:cancel", name="promotion.cancel", permission="promotions/execute")
def cancel(world: TheWorld, call: Called, name: str) -> dict[str, Any]:
    """Cancel a promotion that has not ended; traffic that it had goes back."""
    return promotion.cancel(world, call, name)


@DOOR.operation(
    "POST",
    "/stages/{stage}/online-endpoints/{name}:rollback",
    name="promotion.rollback",
    permission="promotions/rollback",
)
def roll_back(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Send all traffic back to the release that served before."""
    return rollback.rollback(world, call, stage, name)


@DOOR.operation("GET", "/stages/{stage}/models/{name}/history", name="model.history", permission="promotions/read")
def history(
    world: TheWorld, call: Called, stage: str, name: str, as_of: Annotated[AwareDatetime | None, Query()] = None
) -> dict[str, Any]:
    """List what served when; with `as_of`, the release that served at that instant."""
    at: datetime | None = None if as_of is None else as_of.astimezone(UTC)
    return {"value": rollback.history(world, call, stage, name, at), "next_page_token": None}
