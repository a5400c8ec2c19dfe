"""Endpoints and deployments through the API, without workers: who may, what is refused, what the gate keeps out."""

from dataclasses import replace
from typing import Any

import pytest

from bucle import errors
from bucle.access import settings
from bucle.access.stages import find_stage
from bucle.execution import queue
from bucle.execution.fold import Ended, fold
from bucle.execution.queue import Place
from bucle.ops import deploying
from bucle.ops import deployment as verbs
from bucle.spec.digest import digest_of
from bucle.store.tables.execution import step
from tests.access.conftest import House
from tests.endpoints.conftest import ENDPOINTS, Shelf, deployment, id_of

DEPLOYMENTS = f"{ENDPOINTS}/car/deployments"
ACTS: list[tuple[str, str, Any]] = [
    ("POST", ENDPOINTS, {"name": "car"}),
    ("POST", f"{ENDPOINTS}/car:update", {"description": "cars"}),
    ("POST", DEPLOYMENTS, deployment()),
    ("POST", f"{DEPLOYMENTS}/blue:update", deployment(environment_variables={"A": "1"})),
    ("POST", f"{ENDPOINTS}/car:update", {"traffic": {"blue": 100}}),
    ("POST", f"{ENDPOINTS}/car:update", {"traffic": {}}),
    ("DELETE", f"{DEPLOYMENTS}/blue", None),
    ("DELETE", f"{ENDPOINTS}/car", None),
]


def test_each_verb_asks_for_its_role(house: House, shelf: Shelf) -> None:
    """A data scientist makes, changes and removes in dev; a data engineer, who may look, is refused each of it."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    other = house.person("other", ("DataEngineer", "/stages/dev"))
    for method, path, body in ACTS:
        if body and "traffic" in body:
            shelf.workers_ready(id_of(house.world, "dev"))
        assert house.ask(method, path, scientist, body).status_code < 300, (method, path)
        assert house.ask(method, path, other, body).status_code == 403, (method, path)


def test_reading_needs_a_place_in_the_stage(house: House, shelf: Shelf) -> None:
    """Who works in prod alone does not learn what dev serves; who works in dev reads all of it, its log too."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    outsider = house.person("outsider", ("MLEngineer", "/stages/prod"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    for path in (ENDPOINTS, f"{ENDPOINTS}/car", DEPLOYMENTS, f"{DEPLOYMENTS}/blue", f"{DEPLOYMENTS}/blue/log"):
        assert house.ask("GET", path, scientist).status_code == 200, path
        assert house.ask("GET", path, outsider).status_code == 404, path


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"code_configuration": {"code": "azureml:c:1", "scoring_script": "score.py"}}, "deployment.not_run"),
        ({"model": {"path": "azureml://jobs/j/outputs/m"}}, "deployment.not_run"),
        ({"model": "azureml:car@latest"}, "deployment.not_run"),
        ({"environment": "azureml:env:1"}, "deployment.not_run"),
        ({"instance_count": 3}, "deployment.not_run"),
        ({"environment_variables": {"A": "${{secrets.one}}"}}, "deployment.not_run"),
        ({"model": "azureml:none:1"}, "release.not_found"),
        ({"colour": "blue"}, "spec.faults"),
        ({"name": ["blue"]}, "spec.faults"),
        ({"name": "car-1-alias"}, None),
    ],
)
def test_what_is_not_run_is_said(house: House, shelf: Shelf, more: dict[str, Any], code: str | None) -> None:
    """A document is taken as it stands; with a part that is not run, or with garbage, it is refused in words."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    assert house.ask("POST", DEPLOYMENTS, scientist, deployment("first")).status_code == 201
    answer = house.ask("POST", DEPLOYMENTS, scientist, {**deployment(), **more})
    if code is None:
        assert answer.status_code == 201, answer.text
    else:
        assert 400 <= answer.status_code < 500
        assert answer.json()["code"] == code, answer.text


def test_traffic_goes_only_where_an_answer_comes_from(house: House, shelf: Shelf) -> None:
    """A deployment gets traffic while its worker answers, in percent that sum to 100, and not before."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    asked = {"traffic": {"blue": 100}}
    assert house.ask("POST", f"{ENDPOINTS}/car:update", scientist, asked).json()["code"] == "serving.not_ready"
    shelf.workers_ready(id_of(house.world, "dev"))
    assert house.done("POST", f"{ENDPOINTS}/car:update", scientist, asked)["traffic"] == {"blue": 100.0}
    half = house.ask("POST", f"{ENDPOINTS}/car:update", scientist, {"traffic": {"blue": 50}})
    assert half.json()["code"] == "serving.traffic_sum"
    changed = house.ask("POST", f"{DEPLOYMENTS}/blue:update", scientist, deployment(environment_variables={"A": "1"}))
    assert changed.json()["code"] == "deployment.serves"
    limits = deployment(request_settings={"request_timeout_ms": 900})
    assert house.ask("POST", f"{DEPLOYMENTS}/blue:update", scientist, limits).status_code == 200


def test_cost_is_the_processor_time_at_its_price(house: House, shelf: Shelf) -> None:
    """36 seconds are a hundredth of an hour: at 0.50 EUR an hour they cost 0.005 EUR; without a price that is said."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    shelf.workers_ready(id_of(house.world, "dev"))
    (unpriced,) = house.done("GET", f"{ENDPOINTS}/car", scientist)["deployments"]
    assert (unpriced["cost"], "prices.cpu_hour" in unpriced["cost_reason"]) == (None, True)
    with house.world.records.write(house.clock()) as transaction:
        settings.set_price(transaction, "cpu_hour", "0.50 EUR")
    (priced,) = house.done("GET", f"{ENDPOINTS}/car", scientist)["deployments"]
    assert (priced["cost"], priced["cost_reason"]) == ("0.005000 EUR", None)


def test_cost_of_memory_is_what_is_held_for_as_long_as_it_runs(house: House, shelf: Shelf) -> None:
    """Two gigabytes for an hour cost twice the price, beside 36 seconds of the processor: 2 x 0.10 + 0.005 EUR."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    shelf.workers_ready(id_of(house.world, "dev"), up_s=3600, rss_bytes=2 * 10**9)
    with house.world.records.write(house.clock()) as transaction:
        settings.set_price(transaction, "cpu_hour", "0.50 EUR")
        settings.set_price(transaction, "memory_gb_hour", "0.10 EUR")
    shown = house.done("GET", f"{DEPLOYMENTS}/blue", scientist)
    assert (shown["cpu_s"], shown["rss_bytes"], shown["up_s"] >= 3600) == (36.0, 2 * 10**9, True)
    amount, currency = shown["cost"].split()
    assert float(amount) == pytest.approx(0.205, abs=0.005)
    assert currency == "EUR"


@pytest.mark.parametrize(
    ("role", "states", "status"),
    [
        ("MLEngineer", [], 403),
        ("MLEngineer", ["awaiting approval"], 403),
        ("MLEngineer", ["awaiting execution"], 403),
        ("MLEngineer", ["deploying"], 403),
        ("MLEngineer", ["testing"], 403),
        ("MLEngineer", ["rolling"], 403),
        ("MLEngineer", ["rejected"], 403),
        ("MLEngineer", ["returned"], 403),
        ("MLEngineer", ["completed"], 201),
        ("MLEngineer", ["completed", "returned"], 403),
        ("EmergencyOperator", ["completed", "returned"], 201),
        ("EmergencyOperator", ["testing"], 403),
        ("EmergencyOperator", ["rejected"], 403),
    ],
)
def test_nobody_goes_round_the_gate(house: House, shelf: Shelf, role: str, states: list[Any], status: int) -> None:
    """What dev takes as it is, prod takes by promotion; an emergency may go back to what was approved before."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    engineer = house.person("engineer", ("MLEngineer", "/stages/prod"))
    house.done("POST", "/stages/prod/online-endpoints", engineer, {"name": "car"})
    who = engineer if role == "MLEngineer" else house.person("operator", (role, "/stages/prod"))
    release = shelf.find("car")
    for number, state in enumerate(states):
        house.clock.forward(seconds=1)
        shelf.promote(release, "prod", state, number)
    answer = house.ask("POST", "/stages/prod/online-endpoints/car/deployments", who, deployment())
    assert answer.status_code == status, answer.text
    if status == 403:
        found = answer.json()
        assert (found["code"], found["hint"]) == ("endpoint.round_the_gate", "bucle promote car:1 --to prod")


def test_traffic_does_not_go_round_the_gate(house: House, shelf: Shelf) -> None:
    """In prod a release gets traffic while its promotion stands, and no more once it has come back."""
    engineer = house.person("engineer", ("MLEngineer", "/stages/prod"))
    release = shelf.find("car")
    shelf.promote(release, "prod", "completed")
    house.done("POST", "/stages/prod/online-endpoints", engineer, {"name": "car"})
    house.done("POST", "/stages/prod/online-endpoints/car/deployments", engineer, deployment())
    shelf.workers_ready(id_of(house.world, "prod"))
    update = "/stages/prod/online-endpoints/car:update"
    assert house.done("POST", update, engineer, {"traffic": {"blue": 100}})["traffic"] == {"blue": 100.0}
    assert house.done("GET", "/stages/prod/models/car/history", engineer)["value"][0]["why"] == "traffic"
    house.done("POST", update, engineer, {"traffic": {}})
    house.clock.forward(seconds=1)
    shelf.promote(release, "prod", "returned", 2)
    refused = house.ask("POST", update, engineer, {"traffic": {"blue": 100}})
    assert refused.json()["code"] == "endpoint.round_the_gate"


def test_an_environment_is_built_once_and_then_the_worker_wanted(house: House, shelf: Shelf) -> None:
    """Without an environment a deployment waits in `building`, one job is submitted, and no table names it."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    built = shelf.environment_file("dev")
    kept = built.read_text()
    built.unlink()
    assert house.done("POST", DEPLOYMENTS, scientist, deployment())["state"] == "building"
    for _ in range(3):
        verbs.advance(house.world)
    assert len(house.done("GET", "/stages/dev/jobs", scientist)["value"]) == 1
    with house.world.read() as rows:
        assert house.world.routes.draw(rows)["workers"] == []
    built.write_text(kept)
    verbs.advance(house.world)
    assert house.done("GET", f"{DEPLOYMENTS}/blue", scientist)["state"] == "starting"
    assert id_of(house.world, "dev")


def end_builds(house: House) -> None:
    """Have every build that waits fail, as the engine folds it."""
    with house.world.records.write(house.clock()) as transaction:
        for starting in queue.pick(transaction, {"dev": Place(workspace="dev", slots=9)}, house.world.new_id):
            assert starting.plan.kind == "build"
            transaction.rows.execute(step.update().values(max_tries=1))
            fold(transaction, starting.attempt_id, Ended(why="failed"))


@pytest.mark.parametrize("verb", ["create", "update", "create anew"])
def test_a_failed_build_is_tried_again_when_asked_again(house: House, shelf: Shelf, verb: str) -> None:
    """A deployment whose environment could not be built fails; asked for again, it is built again, and starts."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    built = shelf.environment_file("dev")
    kept = built.read_text()
    built.unlink()
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    verbs.advance(house.world)
    end_builds(house)
    verbs.advance(house.world)
    failed = house.done("GET", f"{DEPLOYMENTS}/blue", scientist)
    assert (failed["state"], "the job environment-car-1-alias" in failed["error"]) == ("failed", True)
    house.clock.forward(seconds=1)
    if verb == "create anew":
        house.done("DELETE", f"{DEPLOYMENTS}/blue", scientist)
    path = f"{DEPLOYMENTS}/blue:update" if verb == "update" else DEPLOYMENTS
    assert house.done("POST", path, scientist, deployment())["state"] == "building"
    verbs.advance(house.world)
    jobs = {one["name"]: one["status"] for one in house.done("GET", "/stages/dev/jobs", scientist)["value"]}
    assert jobs == {"environment-car-1-alias": "failed", "environment-car-1-alias-2": "queued"}
    built.write_text(kept)
    verbs.advance(house.world)
    assert house.done("GET", f"{DEPLOYMENTS}/blue", scientist)["state"] == "starting"


def test_a_deployment_that_has_not_failed_keeps_its_name(house: House, shelf: Shelf) -> None:
    """Creating a deployment twice is a conflict while the first stands; under another name it is made."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", DEPLOYMENTS, scientist, deployment())
    again = house.ask("POST", DEPLOYMENTS, scientist, deployment())
    assert again.json()["code"] == "serving.deployment_exists"
    house.done("POST", DEPLOYMENTS, scientist, deployment("green"))


def test_a_promotion_does_not_take_a_name_of_other_bytes(house: House, shelf: Shelf) -> None:
    """A release starts under its alias, and finds itself there again; over another release's bytes it is refused."""
    release = shelf.find("car")
    with house.world.records.write(house.clock()) as transaction:
        stage = find_stage(transaction.rows, "prod")
        made = deploying.start_deployment(house.world, transaction, stage, "car", release, by="somebody")
        assert deploying.start_deployment(house.world, transaction, stage, "car", release, by="somebody") == made
        other = replace(release, digest=digest_of("other bytes"))
        with pytest.raises(errors.Refused, match="has a deployment car-1-alias with the bytes of another release"):
            deploying.start_deployment(house.world, transaction, stage, "car", other, by="somebody")
