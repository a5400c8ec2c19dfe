"""Gates of stages: set by who configures the platform, read by who reads promotions."""

from typing import Any

from bucle import errors
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.release import gates
from bucle.release.gates import StageGate
from bucle.spec.gate import Gate
from bucle.store.instants import to_text


def set_gate(world: World, call: Call, stage: str, asked: Gate) -> dict[str, Any]:
    """Give a stage its gate; the same gate again changes nothing, its instant neither."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "platform/configure", stage)
        if asked.stage != stage:
            raise errors.BadRequest("gate.other_stage", named=asked.stage, stage=stage)
        document = asked.model_dump(mode="json", by_alias=True, exclude_unset=True)
        before = gates.find_gate(transaction.rows, stage)
        if before is not None and before.document == document:
            return transaction.answers(document_of(before))
        made = gates.set_gate(transaction, stage, document)
        told = None if before is None else {"digest": before.digest}
        transaction.record(call.event(stage, "gates/set", "gate", before=told, after={"digest": made.digest}))
        return transaction.answers(document_of(made))


def show(world: World, call: Call, stage: str) -> dict[str, Any]:
    """Return the gate of a stage; NotFound when it has none."""
    with world.read() as rows:
        authorise(world, rows, call, "promotions/read", stage)
        found = gates.find_gate(rows, stage)
    if found is None:
        raise errors.NotFound("gate.none", stage=stage)
    return document_of(found)


def document_of(found: StageGate) -> dict[str, Any]:
    """Return a gate as people see it."""
    return {
        "stage": found.stage,
        "digest": found.digest,
        "changed_at": to_text(found.changed_at),
        "gate": dict(found.document),
    }
