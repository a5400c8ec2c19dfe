"""Deployments whose workers run: one answers requests, one cannot be imported and says why."""

import time

import pytest
from fastapi.testclient import TestClient

from bucle.ops import deployment as verbs
from bucle.server.app import build_application
from bucle.server.compose import Installation
from tests.endpoints.conftest import Shelf
from tests.serving.conftest import GOOD, PATIENCE_S, Models

DEPLOYMENTS = "/api/v1/stages/dev/online-endpoints/car/deployments"


@pytest.fixture
def api(plane: tuple[Installation, Shelf], models: Models) -> TestClient:
    """Give the administrator's way in, to an installation with two models: one that works, one that does not."""
    installation, shelf = plane
    shelf.release("fuel", models.folder / "fuel")
    shelf.release("unloadable", models.folder / "unloadable")
    token = installation.world.home.admin_token.read_text().strip()
    made = TestClient(build_application(installation.world), base_url="http://127.0.0.1")
    made.headers["Authorization"] = f"Bearer {token}"
    assert made.post("/api/v1/stages/dev/online-endpoints", json={"name": "car"}).status_code == 201
    return made


def ended(api: TestClient, installation: Installation, name: str) -> dict[str, object]:
    """Turn the clock until a deployment is ready or failed."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        verbs.advance(installation.world)
        found: dict[str, object] = api.get(f"{DEPLOYMENTS}/{name}").json()
        if found["state"] in {"ready", "failed"}:
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(0.05)


def test_a_deployment_answers_or_says_why_not(plane: tuple[Installation, Shelf], api: TestClient) -> None:
    """A registered model answers under its endpoint's key; one that lacks a package fails and says which."""
    installation, _ = plane
    for name, model in (("blue", "fuel"), ("green", "unloadable")):
        asked = {"name": name, "endpoint_name": "car", "model": f"azureml:{model}:1", "instance_type": "x"}
        assert api.post(DEPLOYMENTS, json=asked).status_code == 201
    blue = ended(api, installation, "blue")
    assert (blue["state"], 0 < float(str(blue["up_s"])) < PATIENCE_S) == ("ready", True)
    green = ended(api, installation, "green")
    assert (green["state"], "no_such_package" in str(green["error"])) == ("failed", True)
    assert "no_such_package" in api.get(f"{DEPLOYMENTS}/green/log").text
    update = "/api/v1/stages/dev/online-endpoints/car:update"
    assert api.post(update, json={"traffic": {"green": 100}}).json()["code"] == "serving.not_ready"
    assert api.post(update, json={"traffic": {"blue": 100}}).status_code == 200
    answer = api.post("/api/v1/stages/dev/online-endpoints/car:invoke", json=GOOD)
    assert (answer.status_code, len(answer.json())) == (200, 1)
