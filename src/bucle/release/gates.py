"""Gates of stages as the records hold them: the document as written, and the digest that a plan stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.spec.digest import digest_of
from bucle.spec.gate import Gate
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.release import gate


@dataclass(frozen=True, slots=True, kw_only=True)
class StageGate:
    """What a release must prove before `stage` lets it in: `gate.yml` as plain values, and their digest."""

    stage: str
    document: Mapping[str, Any]
    digest: str
    changed_at: datetime


def set_gate(transaction: Transaction, stage: str, document: Mapping[str, Any]) -> StageGate:
    """Write the gate of a stage, new or changed."""
    made = StageGate(stage=stage, document=document, digest=digest_of(dict(document)), changed_at=transaction.now)
    values = {
        "document": dict(document),
        "digest": made.digest,
        "changed_at": to_micros(made.changed_at),
    }
    changed = transaction.rows.execute(gate.update().where(gate.c.stage == stage).values(values))
    if changed.rowcount == 0:
        transaction.rows.execute(gate.insert().values(stage=stage, **values))
    return made


def find_gate(rows: sa.Connection, stage: str) -> StageGate | None:
    """Return the gate of a stage, or None."""
    row = rows.execute(sa.select(gate).where(gate.c.stage == stage)).one_or_none()
    if row is None:
        return None
    return StageGate(stage=row.stage, document=row.document, digest=row.digest, changed_at=of_micros(row.changed_at))


def of_stage(rows: sa.Connection, stage: str) -> tuple[Gate, str]:
    """Return the gate of a stage and its digest; where none was set, one that asks for nothing but the facts."""
    found = find_gate(rows, stage)
    if found is not None:
        return Gate.model_validate(found.document), found.digest
    default = Gate(stage=stage)
    return default, digest_of(default.model_dump(mode="json", by_alias=True))
