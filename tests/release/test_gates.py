"""Bad releases: each is stopped by the check that should stop it, and production stays as it was."""

from typing import Any

import pytest

from bucle import errors
from tests.release.conftest import Platform, check_of, held_back

STANDING = [
    ("sleeps", "standing.latency", "p95 2"),
    ("rare", "standing.errors", "1 of 40 failed"),
    pytest.param("swapped-serving", "standing.parity", "40 of 40 differ", marks=pytest.mark.slow),
]


def test_a_sound_model_reaches_production(platform: Platform, first: dict[str, Any]) -> None:
    """The positive control: both gates passed, but for the region with too few rows, which was acknowledged."""
    assert {check["verdict"] for check in first["standing_gate"]} == {"pass"}
    assert [c["name"] for c in first["entry_gate"] if c["verdict"] != "pass"] == ["fairness.region"]
    assert first["approvals"][0]["acknowledged"] == ["fairness.region"]
    assert platform.endpoint()["traffic"] == {first["deployment"]: 100}
    assert platform.ask()[0].json() == [pytest.approx(2 * 4 + 3 * 7, abs=0.5)]


@pytest.mark.parametrize(("fault", "check", "told"), STANDING)
def test_what_shows_in_a_deployment_stops_at_the_standing_gate(
    platform: Platform, first: dict[str, Any], fault: str, check: str, told: str
) -> None:
    """Slow, raising on one row in a hundred, swapping columns when it serves: refused before any traffic."""
    before, names = platform.production(), [one["name"] for one in platform.endpoint()["deployments"]]
    assert first["deployment"] in names
    refused = platform.refused(fault)
    assert check_of(refused["standing_gate"], check)["verdict"] == "fail"
    assert told in check_of(refused["standing_gate"], check)["measured"]
    assert refused["reason"].startswith(f"standing gate: {check}: ")
    assert platform.production() == before
    assert [one["name"] for one in platform.endpoint()["deployments"]] == names


def test_swapped_columns_stop_at_the_bound(platform: Platform, first: dict[str, Any]) -> None:
    """A model that takes one column for the other is beyond the absolute bound, and nothing is deployed."""
    assert first["state"] == "completed"
    before = platform.production()
    refused = platform.refused("swapped")
    assert check_of(refused["entry_gate"], "bound.mae")["verdict"] == "fail"
    assert refused["reason"].startswith("entry gate: bound.mae: ")
    assert refused["standing_gate"] is None
    assert platform.production() == before


def test_worse_for_one_large_group_fails(platform: Platform, first: dict[str, Any]) -> None:
    """The check names the group and its number of rows; the group's bound is not hidden in the average."""
    assert first["state"] == "completed"
    before = platform.production()
    refused = platform.refused("worse-south")
    check = check_of(refused["entry_gate"], "fairness.region")
    assert check["verdict"] == "fail"
    assert f"n {held_back('south')}" in next(part for part in check["measured"].split("; ") if "south" in part)
    assert check_of(refused["entry_gate"], "bound.mae")["verdict"] == "pass"
    assert platform.production() == before


def test_worse_for_one_small_group_is_inconclusive(platform: Platform, first: dict[str, Any]) -> None:
    """The check names the rows it would need, and nobody approves without taking it on by name."""
    assert first["state"] == "completed"
    before = platform.production()
    begun = platform.request(platform.package("worse-east"))
    check = check_of(begun["entry_gate"], "fairness.region")
    assert check["verdict"] == "inconclusive"
    assert f"n {held_back('east')} of 25" in next(part for part in check["measured"].split("; ") if "east" in part)
    with platform.of("approver") as approver, pytest.raises(errors.BadRequest, match=r"fairness\.region"):
        approver.promotion.approve(begun["name"])
    assert platform.cancel(begun["name"])["state"] == "canceled"
    assert platform.production() == before


def test_a_model_that_lacks_a_package_is_never_registered(platform: Platform, first: dict[str, Any]) -> None:
    """Packaging loads the model in a clean process and keeps the reason why it could not."""
    assert first["state"] == "completed"
    job = platform.train("lacks")
    with platform.of("scientist") as scientist:
        assert scientist.job.wait(job, stage="dev")["status"] == "completed"
        begun = scientist.model.create(job, stage="dev")
        with pytest.raises(errors.WorkFailed, match="No module named 'no_such_package'"):
            scientist.model.wait(begun["name"], begun["version"], stage="dev")
        assert scientist.model.show(begun["name"], begun["version"], stage="dev")["state"] == "failed"
        with pytest.raises(errors.NotFound):
            scientist.promotion.request(f"{begun['name']}:{begun['version']}", "prod")
