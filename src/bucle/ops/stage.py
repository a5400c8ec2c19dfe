"""Stages: what a caller may see of the places that exist."""

from typing import Any

from bucle.access.settings import shared_workspace
from bucle.access.stages import Stage, find_stage, list_paths, list_stages
from bucle.core.view import visible
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World


def listed(world: World, call: Call) -> list[dict[str, Any]]:
    """Return the stages in which the caller holds any reading right, in order."""
    with world.read() as rows:
        view = visible(world.policy.snapshot(rows), call.caller, "workspaces/read", now=world.clock())
        paths, shared = list_paths(rows), shared_workspace(rows)
        return [document_of(stage, paths, shared) for stage in list_stages(rows, view)]


def show(world: World, call: Call, stage: str) -> dict[str, Any]:
    """Return one stage."""
    with world.read() as rows:
        authorise(world, rows, call, "workspaces/read", stage)
        return document_of(find_stage(rows, stage), list_paths(rows), shared_workspace(rows))


def document_of(stage: Stage, paths: dict[str, tuple[str, ...]], shared: str | None) -> dict[str, Any]:
    """Return a stage as people see it, with the paths that it stands on; `shared` is the one workspace of all."""
    return {
        "name": stage.name,
        "tier": stage.tier,
        "workspace": shared or stage.workspace,
        "paths": [name for name, stages in paths.items() if stage.name in stages],
    }
