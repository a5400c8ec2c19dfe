"""Anchors: a tail that was cut off or rewritten verifies by itself, and is told by heads that were kept elsewhere."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bucle.ops.audit import keep_heads
from bucle.spec.digest import digest_of
from bucle.store.events import GENESIS, Event, append_events
from bucle.store.tables.store import chain_head, event
from tests.access.conftest import House, house
from tests.conftest import Installation

__all__ = ["house"]
LINES = 8
AUDITOR = ("Auditor", "/")


def _write(house: House, *subjects: str) -> None:
    lines = [Event(chain="dev", who="w", via="api", what="t", subject=one) for one in subjects]
    with house.world.records.write(house.clock()) as transaction:
        append_events(transaction.rows, lines, house.clock())


def _truncate(house: House, left: int) -> None:
    """Cut the tail of a chain off, and move its head: what is left recomputes."""
    with house.world.records.write(house.clock()) as transaction:
        rows = transaction.rows
        rows.execute(event.delete().where(event.c.chain == "dev", event.c.seq > left))
        last = rows.execute(sa.select(event.c.digest).where(event.c.chain == "dev", event.c.seq == left)).scalar()
        moved = {"seq": left, "digest": last or GENESIS}
        rows.execute(chain_head.update().where(chain_head.c.chain == "dev").values(moved))


def _rewrite(house: House, left: int, at: datetime) -> None:
    """Put other lines, chained as they should be, in the place of the tail."""
    _truncate(house, left)
    lines = [Event(chain="dev", who="w", via="api", what="t", subject=f"other {n}") for n in range(left, LINES)]
    with house.world.records.write(house.clock()) as transaction:
        append_events(transaction.rows, lines, at)


def _look(house: House, auditor: str, anchor: Mapping[str, Any]) -> tuple[bool, bool, Any]:
    """Return what is said of the chains by themselves, against the anchor, and of dev against it."""
    alone = house.done("GET", "/audit:verify", auditor)["intact"]
    held = house.done("POST", "/audit:compare", auditor, dict(anchor))
    return alone, held["intact"], next(row for row in held["chains"] if row["chain"] == "dev")


@pytest.fixture
def anchored(house: House) -> tuple[House, str, dict[str, Any]]:
    """Give an installation with a chain of eight lines, an auditor, and the anchor of now."""
    auditor = house.person("auditor", AUDITOR)
    _write(house, *(f"line {n}" for n in range(LINES)))
    return house, auditor, house.done("GET", "/audit:anchor", auditor)


def test_chain_that_went_on(anchored: tuple[House, str, dict[str, Any]]) -> None:
    """What was written since the anchor departs from nothing."""
    house, auditor, anchor = anchored
    assert _look(house, auditor, anchor)[:2] == (True, True)
    _write(house, "line 8")
    alone, held, dev = _look(house, auditor, anchor)
    assert (alone, held, dev["anchored"], dev["lines"]) == (True, True, LINES, LINES + 1)


@pytest.mark.parametrize("left", [LINES - 1, 1, 0])
def test_tail_that_was_cut_off(anchored: tuple[House, str, dict[str, Any]], left: int) -> None:
    """The chains alone say that all is well; the anchor says how many lines there were, also once new ones came."""
    house, auditor, anchor = anchored
    _truncate(house, left)
    alone, held, dev = _look(house, auditor, anchor)
    assert (alone, held, dev["broken_at"]) == (True, False, left + 1)
    assert "there were 8 lines" in dev["why"]


def test_tail_that_was_rewritten(anchored: tuple[House, str, dict[str, Any]]) -> None:
    """As many lines as before, well chained: the chains alone say that all is well, the anchor does not."""
    house, auditor, anchor = anchored
    _rewrite(house, LINES - 3, house.clock())
    alone, held, dev = _look(house, auditor, anchor)
    assert (alone, held, "rewritten" in dev["why"]) == (True, False, True)
    _write(house, "and on it goes")
    assert _look(house, auditor, anchor)[:2] == (True, False)


def test_anchor_of_somebody_else(anchored: tuple[House, str, dict[str, Any]]) -> None:
    """Heads that the platform did not sign are no anchor, be they true."""
    house, auditor, anchor = anchored
    payload = json.loads(base64.b64decode(anchor["payload"]))
    payload["predicate"]["heads"][0]["lines"] -= 1
    forged = {**anchor, "payload": base64.b64encode(json.dumps(payload).encode()).decode()}
    for other in (forged, {**anchor, "signatures": []}, {}):
        answer = house.ask("POST", "/audit:compare", auditor, other)
        assert (answer.status_code, answer.json()["code"]) == (400, "audit.anchor_wrong")
    assert house.done("POST", "/audit:compare", auditor, anchor)["intact"]


def test_list_of_heads(house: House) -> None:
    """The server appends its heads when something has happened, never twice the same, each a full anchor."""
    auditor = house.person("auditor", AUDITOR)
    keep_heads(house.world)
    keep_heads(house.world)
    _write(house, "line")
    keep_heads(house.world)
    lines = [json.loads(line) for line in house.world.home.heads.read_text().splitlines()]
    assert len(lines) == 2
    assert all(house.done("POST", "/audit:compare", auditor, line)["intact"] for line in lines)


def test_export_and_verify(installation: Installation, tmp_path: Path) -> None:
    """An export recomputes line by line without us; it, an anchor and the server's own list serve as `--anchor`."""
    installation.up()
    ran = installation.bucle("audit", "export", "-o", str(tmp_path / "all.jsonl"))
    assert ran.code == 0, ran.err
    *lines, last = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    previous = dict.fromkeys({line["chain"] for line in lines}, GENESIS)
    for line in lines:
        assert line["previous"] == previous[line["chain"]]
        assert line["digest"] == digest_of({name: value for name, value in line.items() if name != "digest"})
        previous[line["chain"]] = line["digest"]
    heads = json.loads(base64.b64decode(last["anchor"]["payload"]))["predicate"]["heads"]
    assert {head["chain"]: head["digest"] for head in heads} == previous
    (tmp_path / "anchor.json").write_text(installation.bucle("audit", "anchor").out)
    kept = installation.home / "log" / "audit-heads.jsonl"
    for file in (tmp_path / "all.jsonl", tmp_path / "anchor.json", kept):
        ran = installation.bucle("audit", "verify", "--anchor", str(file))
        assert ran.code == 0, (file, ran.err)
    (tmp_path / "bad.json").write_text("{}")
    assert installation.bucle("audit", "verify", "--anchor", str(tmp_path / "bad.json")).code == 2
    before = len(kept.read_text().splitlines())
    assert installation.bucle("principal", "create", "somebody", "--kind", "person").code == 0
    installation.bucle("down")
    assert len(kept.read_text().splitlines()) == before + 1
