"""Approvals: what a person says of a promotion, over the digests of release, plan and entry gate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.core import approval as approving
from bucle.core.gate import read_checks, unacknowledged
from bucle.ops import promotion_plan
from bucle.ops.authority import authorise
from bucle.ops.promotion import again, changed, document_of, find_promotion
from bucle.ops.promotion_plan import find_way
from bucle.ops.signing import signed_approval
from bucle.ops.world import Call, World
from bucle.release import gates, promotions, releases
from bucle.release.promotions import Approval, Promotion
from bucle.release.releases import Release
from bucle.store.records import Transaction

APPROVAL_LASTS = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says: yes or no, the inconclusive checks he takes on, the alias he typed, a comment."""

    verdict: Literal["approved", "rejected"]
    acknowledged: tuple[str, ...] = ()
    typed_alias: str | None = None
    comment: str | None = None


def say(world: World, call: Call, name: str, word: Word) -> dict[str, Any]:
    """Approve or reject a promotion.

    The caller holds `promotions/approve` at the target, sits in his own login session, and is neither the requester nor
    the author. What the plan stood on must still be so. A rejection ends the promotion.
    """
    with world.write(call) as transaction:
        rows = transaction.rows
        found = find_promotion(world, rows, call, name)
        release = releases.of_id(rows, found.release_id)
        authorise(world, rows, call, "promotions/approve", found.stage)
        _refuse_wrong_person(world, transaction, call, found, release, word)
        if word.verdict == "approved":
            _refuse_moved(world, rows, found, release)
            _refuse_doubts(rows, found, word.acknowledged)
        said = _approval(world, transaction, call, found, release, word)
        promotions.add_approval(transaction, replace(said, statement=signed_approval(world, said)))
        if word.verdict == "rejected":
            reason = f"rejected by {call.principal.name}" + (f": {word.comment}" if word.comment else "")
            changed(transaction, found, state="rejected", reason=reason)
        after = {
            "release": release.digest,
            "plan": found.plan_digest,
            "entry": found.entry_digest,
            "acknowledged": list(word.acknowledged),
            "governance": world.policy.snapshot(rows).governance,
        }
        what = "promotions/approve" if word.verdict == "approved" else "promotions/reject"
        transaction.record(call.event(found.stage, what, f"promotion/{name}", after=after))
        return transaction.answers(document_of(world, rows, again(rows, name)))


def _refuse_wrong_person(
    world: World, transaction: Transaction, call: Call, found: Promotion, release: Release, word: Word
) -> None:
    asked = approving.Promotion(
        target=found.stage, requester_id=found.requester_id, author_id=release.author_id, alias=release.alias
    )
    typed = word.typed_alias if word.verdict == "approved" else release.alias  # a no needs no second thought
    snapshot = world.policy.snapshot(transaction.rows)
    refusal = approving.check_approval(snapshot, call.caller, asked, typed_alias=typed, now=transaction.now)
    if refusal is not None:
        raise refusal.error
    if found.state != "awaiting approval":
        raise errors.Conflict("promotion.wrong_state", name=found.name, state=found.state, wanted="awaiting approval")
    if any(one.person_id == call.principal.person_id for one in promotions.approvals_of(transaction.rows, found.name)):
        raise errors.Conflict("promotion.said_already", approver=call.principal.name, name=found.name)


def _refuse_moved(world: World, rows: sa.Connection, found: Promotion, release: Release) -> None:
    """Refuse when what the plan stood on is no longer so: any change of it voids plan and approval."""
    now = promotion_plan.grounds(rows, find_way(world, rows, release, found.stage))
    if now.digest() != found.plan_digest:
        before = found.plan["grounds"]
        moved = {name: value for name, value in asdict(now).items() if before[name] != value}
        what = ", ".join(f"{name} was {before[name]}, is {value}" for name, value in moved.items())
        raise errors.Conflict("promotion.moved", name=found.name, what=what, alias=release.alias, stage=found.stage)


def _refuse_doubts(rows: sa.Connection, found: Promotion, acknowledged: Sequence[str]) -> None:
    gate, _ = gates.of_stage(rows, found.stage)
    left = unacknowledged(gate, read_checks(found.entry), acknowledged)
    if left:
        checks = ", ".join(left)
        raise errors.BadRequest("promotion.not_acknowledged", name=found.name, checks=checks, first=left[0])


def _approval(
    world: World, transaction: Transaction, call: Call, found: Promotion, release: Release, word: Word
) -> Approval:
    return Approval(
        id=world.new_id(),
        promotion=found.name,
        verdict=word.verdict,
        approver_id=call.principal.id,
        person_id=call.principal.person_id,
        release_digest=release.digest,
        plan_digest=found.plan_digest,
        entry_digest=found.entry_digest,
        acknowledged=word.acknowledged,
        comment=word.comment,
        created_at=transaction.now,
        expires_at=transaction.now + APPROVAL_LASTS,
        used_at=None,
    )
