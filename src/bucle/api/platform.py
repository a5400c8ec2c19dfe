"""Operations on the platform itself: its health, who is calling, its stages."""

from typing import Any

from fastapi import APIRouter, Response

from bucle import __version__
from bucle.api.door import OPEN, SIGNED_IN, Called, Door, TheWorld
from bucle.ops import metrics as measures
from bucle.ops import stage as stages
from bucle.ops.whoami import whoami as told

DOOR = Door()
SCRAPED = Door(router=APIRouter())
"""Where scrapers look, which know no prefix."""


@DOOR.operation("GET", "/health", name="platform.status", permission=OPEN)
def health() -> dict[str, Any]:
    """Say that this server answers, and which version it is."""
    return {"status": "ok", "version": __version__}


@DOOR.operation("GET", "/whoami", name="platform.whoami", permission=SIGNED_IN)
def whoami(world: TheWorld, call: Called) -> dict[str, Any]:
    """Say who is calling and what he holds where."""
    return told(world, call)


@DOOR.operation("GET", "/stages", name="stage.list", permission=SIGNED_IN)
def list_stages(world: TheWorld, call: Called) -> dict[str, Any]:
    """List the stages in which the caller may look."""
    return {"value": stages.listed(world, call), "next_page_token": None}


@DOOR.operation("GET", "/stages/{stage}", name="stage.show", permission="workspaces/read")
def show_stage(world: TheWorld, call: Called, stage: str) -> dict[str, Any]:
    """Show one stage."""
    return stages.show(world, call, stage)


@SCRAPED.operation("GET", "/metrics", name="platform.metrics", permission="metrics/read")
def metrics(world: TheWorld, call: Called) -> Response:
    """Measure the platform, in Prometheus' text format."""
    return Response(measures.read(world, call), media_type=measures.FORMAT)
