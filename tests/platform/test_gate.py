"""Gates of stages: set under platform/configure, read under promotions/read, kept with their digest."""

from typing import Any

import pytest

from tests.access.conftest import House

GATE: dict[str, Any] = {"stage": "prod", "checks": {"bounds": {"mae": {"max": 3.5}}}, "approvals": 1}


def test_a_gate_is_set_and_shown(house: House) -> None:
    """Who set it is in the stage's chain; the same gate again is no event, another one has another digest."""
    first = house.done("POST", "/stages/prod/gate", house.admin, GATE)
    assert house.done("GET", "/stages/prod/gate", house.admin) == first
    assert first["gate"] == GATE
    house.clock.forward(hours=1)
    assert house.done("POST", "/stages/prod/gate", house.admin, GATE) == first
    second = house.done("POST", "/stages/prod/gate", house.admin, {**GATE, "approvals": 2})
    assert second["digest"] != first["digest"]
    chain = house.done("GET", "/audit?chain=prod", house.person("eve", ("Auditor", "/")))["value"]
    digests = [line["after"] for line in chain if line["what"] == "gates/set"]
    assert digests == [{"digest": first["digest"]}, {"digest": second["digest"]}]


def test_only_who_configures_the_platform_sets_a_gate(house: House) -> None:
    """An engineer of the stage reads its gate and cannot set it; the builder of the platform sets it."""
    engineer = house.person("eli", ("MLEngineer", "/stages/prod"))
    builder = house.person("inga", ("InfraEngineer", "/"))
    assert house.ask("POST", "/stages/prod/gate", builder, GATE).status_code == 200
    assert house.ask("GET", "/stages/prod/gate", engineer).status_code == 200
    answer = house.ask("POST", "/stages/prod/gate", engineer, {**GATE, "approvals": 0})
    assert (answer.status_code, answer.json()["code"]) == (403, "access.denied.not_in_role")
    assert house.done("GET", "/stages/prod/gate", builder)["gate"]["approvals"] == 1


def test_a_gate_outside_ones_scope_is_not_found(house: House) -> None:
    """Somebody of dev learns nothing of prod's gate, there or not; he sees that dev has none."""
    house.done("POST", "/stages/prod/gate", house.admin, GATE)
    scientist = house.person("sam", ("DataScientist", "/stages/dev"))
    told = [house.ask("GET", f"/stages/{stage}/gate", scientist) for stage in ("prod", "preprod", "dev")]
    assert [(one.status_code, one.json()["code"]) for one in told] == [
        (404, "access.not_found"),
        (404, "access.not_found"),
        (404, "gate.none"),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**GATE, "stage": "preprod"}, "gate.other_stage"),
        ({**GATE, "approvals": -1}, "spec.faults"),
        ({**GATE, "colour": "red"}, "spec.faults"),
        ({**GATE, "rollout": [{"percent": 50}]}, "spec.faults"),
    ],
)
def test_a_faulty_gate_is_refused(house: House, body: dict[str, Any], code: str) -> None:
    """Each is refused by its own code, and the gate that stands stays."""
    house.done("POST", "/stages/prod/gate", house.admin, GATE)
    answer = house.ask("POST", "/stages/prod/gate", house.admin, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert house.done("GET", "/stages/prod/gate", house.admin)["gate"] == GATE
