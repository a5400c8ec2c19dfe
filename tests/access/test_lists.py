"""What a list, its pages and a lineage tell is what the check of each row allows, for everybody everywhere (T3)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bucle.assets import versions
from bucle.assets.versions import Version
from bucle.release import releases
from bucle.release.releases import Release
from bucle.spec.digest import digest_of
from tests.access.route_walk import JOB, Walk, Walker, open_walk

STAGES = ("dev", "preprod", "prod")
MAKERS = {"dev": "DataScientist", "preprod": "MLEngineer", "prod": "MLEngineer"}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Give everybody, and three jobs and experiments in each stage, beside the endpoints of the story."""
    with open_walk(tmp_path_factory.mktemp("lists") / "home") as made:
        for stage, role in MAKERS.items():
            maker = next(one for one in made.walkers if (one.role, one.place) == (role, stage))
            for number in range(3):
                made.house.done("POST", f"/stages/{stage}/jobs", maker.credential, JOB)
                _mlflow(made, stage, maker, "experiments/create", {"name": f"of-{stage}-{number}"})
        yield made


def _mlflow(walk: Walk, stage: str, who: Walker, call: str, body: dict[str, Any]) -> Any:
    headers = {"authorization": f"Bearer {who.credential}"}
    answer = walk.house.api.post(f"/mlflow/{stage}/api/2.0/mlflow/{call}", json=body, headers=headers)
    return answer.json() if answer.status_code == 200 else None


def _pages(walk: Walk, who: Walker, path: str, limit: int) -> list[str]:
    """Return the names of a list, page by page; of one that is refused, none."""
    names, token = [], ""
    while True:
        answer = walk.house.ask("GET", f"{path}?limit={limit}{token}", who.credential)
        if answer.status_code in {403, 404}:
            return []
        names += [row["name"] for row in answer.json()["value"]]
        following = answer.json()["next_page_token"]
        if following is None:
            return names
        token = f"&page_token={following}"


@pytest.mark.parametrize("kind", ["jobs", "online-endpoints", "promotions"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_list_is_what_each_check_allows(walk: Walk, kind: str, stage: str) -> None:
    """The rows, in pages of one and of a hundred, and their number: those whose own address answers."""
    seers = [one for one in walk.walkers if one.place in {stage, "/"} and one.role != "none"]
    every = _pages(walk, seers[0], f"/stages/{stage}/{kind}", 100)
    assert every or (stage, kind) in {("dev", "promotions"), ("dev", "online-endpoints")}
    below = "" if kind == "promotions" else f"/stages/{stage}"
    for one in walk.walkers:
        shown = [
            name for name in every if walk.house.ask("GET", f"{below}/{kind}/{name}", one.credential).status_code == 200
        ]
        for limit in (1, 100):
            assert _pages(walk, one, f"/stages/{stage}/{kind}", limit) == shown, one
        assert shown in ([], every)
        assert (one in seers) == (shown != []) or not every


@pytest.mark.parametrize("stage", STAGES)
def test_a_page_token_opens_no_other_list(walk: Walk, stage: str) -> None:
    """A token from one stage is a place in a list: in another stage it shows nothing that is not there."""
    infra = next(one for one in walk.walkers if (one.role, one.place) == ("InfraEngineer", "/"))
    first = walk.house.done("GET", f"/stages/{stage}/jobs?limit=1", infra.credential)
    token = first["next_page_token"]
    for other in STAGES:
        own = {row["name"] for row in walk.house.done("GET", f"/stages/{other}/jobs", infra.credential)["value"]}
        answer = walk.house.ask("GET", f"/stages/{other}/jobs?page_token={token}", infra.credential)
        assert {row["name"] for row in answer.json()["value"]} <= own
        outsider = next(one for one in walk.walkers if one.place in STAGES and one.place != other)
        assert walk.house.ask("GET", f"/stages/{other}/jobs?page_token={token}", outsider.credential).status_code == 404


def test_the_stages_are_what_each_check_allows(walk: Walk) -> None:
    """The list of stages, compiled to SQL, is that of the stages whose own address answers."""
    for one in walk.walkers:
        listed = [row["name"] for row in walk.house.done("GET", "/stages", one.credential)["value"]]
        shown = [
            stage for stage in STAGES if walk.house.ask("GET", f"/stages/{stage}", one.credential).status_code == 200
        ]
        assert listed == shown
        assert listed == ([*STAGES] if one.place == "/" else [stage for stage in STAGES if stage == one.place])


@pytest.mark.parametrize("stage", STAGES)
def test_a_search_of_experiments_is_what_each_check_allows(walk: Walk, stage: str) -> None:
    """MLflow's search by pages of one: those that `experiments/get` answers for, and none of another workspace."""
    for one in walk.walkers:
        found: list[str] = []
        token = ""
        while (
            answer := _mlflow(walk, stage, one, "experiments/search", {"max_results": 1, "page_token": token})
        ) is not None:
            found += [row["name"] for row in answer.get("experiments", [])]
            token = answer.get("next_page_token", "")
            if not token:
                break
        expected = {f"of-{stage}-{number}" for number in range(3)} if one.place in {stage, "/"} else set()
        assert {name for name in found if name.startswith("of-")} == expected


def test_a_lineage_is_its_own_stages(walk: Walk) -> None:
    """Two stages have a model of one name and version: each tells of its own job and data, never of the other's."""
    world = walk.house.world
    with world.read() as rows:
        first = releases.every(rows)[0]
    with world.records.write(walk.house.clock()) as transaction:
        for stage in ("dev", "prod"):
            releases.add_release(transaction, _alike(walk, first, stage))
            versions.add(transaction, _version(walk, stage))
    for stage in ("dev", "prod"):
        reader = next(one for one in walk.walkers if (one.role, one.place) == ("Reader", stage))
        for path in ("", "/lineage"):
            told = walk.house.ask("GET", f"/stages/{stage}/models/twin/versions/1{path}", reader.credential)
            assert f"job-of-{stage}" in told.text
            assert f"job-of-{'prod' if stage == 'dev' else 'dev'}" not in told.text


def _alike(walk: Walk, first: Release, stage: str) -> Release:
    manifest = {**first.manifest, "job": {"name": f"job-of-{stage}", "submitted_by": "somebody"}}
    return replace(
        first, id=walk.house.world.new_id(), alias=f"twin-{stage}", digest=digest_of(manifest), stage=stage,
        name="twin", version="1", manifest=manifest, created_at=walk.house.clock(),
    )  # fmt: skip


def _version(walk: Walk, stage: str) -> Version:
    return Version(
        id=walk.house.world.new_id(), scope=stage, kind="model", name="twin", version="1", type="mlflow_model",
        digest=digest_of(stage), data_class="internal", size=1, document={}, made_by="somebody",
        created_at=walk.house.clock(),
    )  # fmt: skip
