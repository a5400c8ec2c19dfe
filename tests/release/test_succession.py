"""A second model for a stage that serves: both score labelled rows that neither was trained on; the gate judges."""

import csv
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bucle import errors
from tests.release.conftest import ENDPOINT, KNOWN_ROWS, STAGE, Platform, check_of

LABELLED = 40
WORSE = 900.0
"""A penalty under which the regression is far off; the champion's is 1."""
RULES = """\
stage: prod
checks:
  champion: {margin: -0.2, minimum_rows: 30}
  standing: {replay: 5}
on_inconclusive: acknowledge
approvals: 1
rollout: [{percent: 100, requests: 5}]
"""


@pytest.fixture(scope="module")
def candidates(platform: Platform, first: dict[str, Any]) -> dict[float, str]:
    """Give two candidates, packaged before any label came: a good one and one that is far off."""
    assert first["state"] == "completed"
    return {alpha: platform.package("none", alpha) for alpha in (2.0, WORSE)}


@pytest.fixture(scope="module")
def labelled(platform: Platform, candidates: dict[float, str]) -> Iterator[list[dict[str, float]]]:
    """Give the rows that production scored and that were labelled since, under a gate that asks for a comparison."""
    assert candidates
    gate = platform.folder / "gate-comparing.yml"
    gate.write_text(RULES)
    rows = _rows(platform.folder / "costs.csv")[KNOWN_ROWS : KNOWN_ROWS + LABELLED]
    with platform.installation.client() as administrator:
        administrator.gate.set(gate)
        few = platform.request(candidates[2.0])
        assert "n 0 of 30" in check_of(few["entry_gate"], "champion")["measured"]
        assert few["state"] == "awaiting approval", few
        platform.cancel(few["name"])
        _score(platform, rows)
        _label(platform, rows)
        yield rows
        administrator.gate.set(platform.folder / "gate.yml")


def test_a_worse_candidate_is_refused_by_figures(
    platform: Platform, candidates: dict[float, str], labelled: list[dict[str, float]]
) -> None:
    """The gate's figures are those of plain scikit-learn on the labelled rows; nobody is asked to approve."""
    before = platform.production()
    begun = platform.request(candidates[WORSE])
    assert (begun["state"], begun["plan"]["steps"][1]["step"]) == ("comparing", "Compare")
    with platform.of("approver") as approver, pytest.raises(errors.Conflict, match="comparing"):
        approver.promotion.approve(begun["name"])
    ended = platform.end_of(begun["name"])
    assert (ended["state"], ended["reason"][:20]) == ("refused", "entry gate: champion")
    assert _figures(ended) == pytest.approx(_plain(platform, labelled, WORSE), rel=1e-3)
    assert check_of(ended["entry_gate"], "champion")["measured"].endswith(f"n {LABELLED}")
    assert platform.production() == before


def test_a_good_candidate_is_judged_before_people_are_asked(
    platform: Platform, candidates: dict[float, str], labelled: list[dict[str, float]]
) -> None:
    """Not worse by more than the margin: it waits for approval with the comparison in its gate, and serves after it."""
    begun = platform.request(candidates[2.0])
    assert begun["state"] == "comparing"
    judged = platform.await_state(begun["name"], lambda found: found["state"] == "awaiting approval")
    check = check_of(judged["entry_gate"], "champion")
    assert (check["verdict"], check["evidence"]) == ("pass", "comparison")
    assert _figures(judged) == pytest.approx(_plain(platform, labelled, 2.0), rel=1e-3)
    platform.approve(judged)
    assert platform.end_of(begun["name"], asking=True)["state"] == "completed"
    with platform.of("engineer") as engineer:
        engineer.promotion.rollback(ENDPOINT, stage=STAGE)


def test_rows_that_a_model_may_have_seen_are_no_evidence(platform: Platform, labelled: list[dict[str, float]]) -> None:
    """A model trained after the labels came may have been trained on them: none counts for it."""
    assert len(labelled) == LABELLED
    begun = platform.request(platform.package("none", alpha=3.0))
    assert begun["state"] == "awaiting approval"
    check = check_of(begun["entry_gate"], "champion")
    assert (check["verdict"], check["measured"][-9:]) == ("inconclusive", "n 0 of 30")
    platform.cancel(begun["name"])


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open() as stream:
        return [{name: float(row[name]) for name in ("size", "load", "cost")} for row in csv.DictReader(stream)]


def _score(platform: Platform, rows: Sequence[dict[str, float]]) -> None:
    with platform.of("engineer") as engineer:
        key = engineer.online_endpoint.get_credentials(ENDPOINT, stage=STAGE)["primaryKey"]
        address = engineer.online_endpoint.show(ENDPOINT, stage=STAGE)["scoring_uri"]
    with httpx2.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30.0, trust_env=False) as http:
        for number, row in enumerate(rows):
            data = {"columns": ["size", "load", "region"], "data": [[row["size"], row["load"], "north"]]}
            answer = http.post(address, json={"input_data": data}, headers={"x-request-id": f"labelled-{number}"})
            assert answer.status_code == 200


def _label(platform: Platform, rows: Sequence[dict[str, float]]) -> None:
    """Send the labels until each has met its row, which comes to the records a moment after its answer."""
    labels = [{"correlation_id": f"labelled-{number}", "label": row["cost"]} for number, row in enumerate(rows)]
    with platform.of("keeper") as keeper:
        for attempt in range(100):
            try:
                if not keeper.label.create(ENDPOINT, labels, stage=STAGE)["unknown"]:
                    return
            except errors.NotFound:
                assert attempt < 99
            time.sleep(0.2)


def _figures(found: dict[str, Any]) -> list[float]:
    """Return candidate's error, champion's error, gain, as the gate's check tells them."""
    told = check_of(found["entry_gate"], "champion")["measured"]
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", told)[:3]]


def _plain(platform: Platform, labelled: Sequence[dict[str, float]], alpha: float) -> list[float]:
    """Return the same of two plain regressions on the same rows."""
    known = _rows(platform.folder / "costs.csv")[:KNOWN_ROWS]
    candidate, champion = (_error(known, labelled, penalty) for penalty in (alpha, 1.0))
    return [candidate, champion, champion - candidate]


def _error(known: Sequence[dict[str, float]], labelled: Sequence[dict[str, float]], alpha: float) -> float:
    sent, asked = (np.array([[row["size"], row["load"]] for row in rows]) for rows in (known, labelled))
    model = Ridge(alpha=alpha).fit(sent, [row["cost"] for row in known])
    return float(np.abs(model.predict(asked) - [row["cost"] for row in labelled]).mean())
