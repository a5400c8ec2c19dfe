"""What may be deployed in a stage by hand: in dev what was born there, elsewhere what its gate has let in."""

from bucle import errors
from bucle.access.stages import Stage
from bucle.core.online_deployment import FORMERLY_PASSED, PASSED
from bucle.core.scopes import stage_scope
from bucle.ops.world import Call, World
from bucle.release import gates, promotions, releases
from bucle.release.promotions import Promotion
from bucle.release.releases import Release
from bucle.store.records import Transaction

EMERGENCY = "EmergencyOperator"


def find_release(
    world: World, transaction: Transaction, call: Call, stage: Stage, asked: tuple[str, str, str]
) -> Release:
    """Return the release of `asked` (model, version, deployment) that a caller may deploy in a stage.

    NotFound when there is none; Refused when the stage has a gate that it has not passed.
    """
    name, version, deployment = asked
    found = releases.all_of_version(transaction.rows, name, version)
    if not is_gated(transaction, stage):
        found = [one for one in found if one.stage == stage.name]
    if not found:
        raise errors.NotFound("release.not_found", asked=f"{name}:{version}")
    for release in found:
        if passed(world, transaction, call, stage, release):
            return release
    raise errors.Refused("endpoint.round_the_gate", stage=stage.name, deployment=deployment, model=f"{name}:{version}")


def refuse_round_the_gate(
    world: World, transaction: Transaction, call: Call, stage: Stage, release: Release, deployment: str
) -> None:
    """Raise Refused for a release that the stage's gate has not let in."""
    if not passed(world, transaction, call, stage, release):
        model = f"{release.name}:{release.version}"
        raise errors.Refused("endpoint.round_the_gate", stage=stage.name, deployment=deployment, model=model)


def passed(world: World, transaction: Transaction, call: Call, stage: Stage, release: Release) -> bool:
    """Say whether a caller may deploy a release in a stage: always where there is no gate."""
    return not is_gated(transaction, stage) or standing(world, transaction, call, stage, release) is not None


def is_gated(transaction: Transaction, stage: Stage) -> bool:
    """Say whether a stage lets in by promotion only: one that has a gate, and every one beyond dev."""
    return stage.tier != "dev" or gates.find_gate(transaction.rows, stage.name) is not None


def standing(world: World, transaction: Transaction, call: Call, stage: Stage, release: Release) -> Promotion | None:
    """Return the promotion by which a release may be in a stage: its newest one there, if that is completed.

    Who stops the bleeding may go back to whatever got as far as its canary before, too.
    """
    made = [one for one in promotions.of_release(transaction.rows, release.id) if one.stage == stage.name]
    if _in_emergency(world, transaction, call, stage):
        return next((one for one in reversed(made) if one.state in FORMERLY_PASSED), None)
    return made[-1] if made and made[-1].state in PASSED else None


def _in_emergency(world: World, transaction: Transaction, call: Call, stage: Stage) -> bool:
    scope = stage_scope(stage.name)
    return any(
        held.role.name == EMERGENCY and held.binding.scope.covers(scope) and held.binding.live(transaction.now)
        for held in world.policy.snapshot(transaction.rows).holdings(call.principal.id)
    )
