"""Where a tracking call happens: the stage behind a workspace's name, and the scope that rules runs and models."""

from dataclasses import dataclass

import sqlalchemy as sa

from bucle import errors
from bucle.access.settings import shared_workspace
from bucle.access.stages import list_stages
from bucle.core.access import Allow, Decision, Deny, decide, error_of
from bucle.core.actions import Action
from bucle.core.classes import DEFAULT_CLASS, DataClass
from bucle.core.scopes import Scope, stage_scope
from bucle.core.snapshot import Caller
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.tracking import job_runs, runs
from bucle.tracking.models import LoggedModel
from bucle.tracking.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stage as a tracking call sees it; `job`: the caller is this job of the stage, and sees its own work only."""

    stage: str
    workspace: str
    data_class: DataClass
    """What is made outside a job is taken to be as sensitive as the stage's data is by default."""
    job: str | None

    @property
    def scope(self) -> Scope:
        """The scope of what concerns no single run: the stage, for a job its own."""
        return self.scope_of(self.job)

    def scope_of(self, job: str | None) -> Scope:
        """Return the scope of what a job made (None: somebody outside a job)."""
        return stage_scope(self.stage) if job is None else stage_scope(self.stage, "jobs", job)


def stage_workspace(world: World, call: Call, workspace: str) -> str:
    """Return the workspace of one stage that an address means.

    In `layout: single` the platform's own name means the stage of the calling job; for anybody else the first stage
    that he may see. Every other name means itself.
    """
    with world.read() as rows:
        if workspace != shared_workspace(rows):
            return workspace
        stages = list_stages(rows)
        mine = [one for one in stages if _job_of(call.caller, one.name) is not None]
        seen = [one for one in stages if isinstance(_seen(world, rows, call, stage_scope(one.name)), Allow)]
    return next((one.workspace for one in (*mine, *seen)), workspace)


def find_place(world: World, rows: sa.Connection, call: Call, workspace: str) -> Place:
    """Return the place behind a workspace's name; NotFound when there is none, or none that the caller may know of."""
    stage = next((one for one in list_stages(rows) if one.workspace == workspace), None)
    seen = _seen(world, rows, call, stage_scope(workspace))
    if isinstance(seen, Deny) and seen.why == "no_grants":
        raise error_of(seen)  # who holds nothing anywhere is told the same of every name
    if stage is not None:
        seen = _seen(world, rows, call, stage_scope(stage.name))
    if stage is None or (isinstance(seen, Deny) and not seen.visible):
        raise errors.NotFound("tracking.no_workspace", workspace=workspace[:80])
    return Place(
        stage=stage.name,
        workspace=workspace,
        data_class=DEFAULT_CLASS[stage.tier],
        job=_job_of(call.caller, stage.name),
    )


def enter(world: World, rows: sa.Connection, call: Call, workspace: str, action: Action) -> Place:
    """Return the place, where the caller may do `action` on what concerns no single run."""
    place = find_place(world, rows, call, workspace)
    authorise(world, rows, call, action, place.scope)
    return place


def authorise_on(
    world: World, rows: sa.Connection, call: Call, action: Action, place: Place, found: Run | LoggedModel
) -> Allow:
    """Ask whether the caller may do `action` on a run or a model: the scope is that of what was found, not asked."""
    return authorise(world, rows, call, action, place.scope_of(found.job))


def authorise_content(world: World, rows: sa.Connection, call: Call, place: Place, found: Run | LoggedModel) -> Allow:
    """Ask whether the caller may read artifacts: they are as sensitive as what their job read.

    A job reads its own back without more: it wrote them.
    """
    scope = place.scope_of(found.job)
    if place.job is not None and place.job == found.job:
        return authorise(world, rows, call, "experiments/read", scope)
    return authorise(world, rows, call, "models/content/read", scope, data_class=found.data_class)


def class_of_new(rows: sa.Connection, place: Place) -> DataClass:
    """Return how sensitive what the caller makes here is: in a job, as its inputs; else as the stage's data."""
    above = None if place.job is None else job_runs.of_job(rows, place.stage, place.job)
    return place.data_class if above is None else runs.find(rows, place.stage, above.run_id).data_class


def _seen(world: World, rows: sa.Connection, call: Call, scope: Scope) -> Decision:
    return decide(world.policy.snapshot(rows), call.caller, "experiments/read", scope, now=world.clock())


def _job_of(caller: Caller, stage: str) -> str | None:
    """Return the job of this stage whose token calls, or None."""
    if caller.session != "job":
        return None
    for window in caller.windows or ():
        match window.scope.parts:
            case ("stages", where, "jobs", job) if where == stage:
                return job
    return None
